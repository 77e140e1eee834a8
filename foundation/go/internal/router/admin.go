package router

import (
	"encoding/json"
	"fmt"
	"net/http"
)

const largestTable = 64 << 20 // bytes

// NewAdmin returns the handler that takes tables, `PUT /table` with {"routes": [...]}, and shows the current one.
func NewAdmin(table *Table) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /table", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Routes *[]Route `json:"routes"`
		}
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestTable))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&body)
		switch {
		case err != nil:
			err = fmt.Errorf("the table cannot be read: %w", err)
		case body.Routes == nil:
			err = fmt.Errorf(`the table has no "routes"`)
		default:
			err = table.Swap(*body.Routes)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /table", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"routes": table.Routes()})
	})
	return mux
}
