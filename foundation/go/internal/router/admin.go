package router

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	largestTable = 64 << 20 // bytes
	longestWait  = 60       // seconds
)

// NewAdmin returns the handler that takes tables, `PUT /table` with {"routes": [...]}, shows the current one, and
// hands out access lines: `GET /accesses?run=RUN&after=NUMBER&wait=SECONDS` waits so long where there is none yet.
func NewAdmin(table *Table, accesses *Accesses) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /table", func(w http.ResponseWriter, r *http.Request) {
		if err := take(table, http.MaxBytesReader(w, r.Body, largestTable)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /table", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, map[string]any{"routes": table.Routes()})
	})
	mux.HandleFunc("GET /accesses", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		after, notNumber := strconv.ParseUint(query.Get("after"), 10, 64)
		wait, notSeconds := strconv.Atoi(query.Get("wait"))
		if notNumber != nil || notSeconds != nil || wait < 0 || wait > longestWait {
			http.Error(w, fmt.Sprintf("after and wait must be numbers, wait at most %d", longestWait), http.StatusBadRequest)
			return
		}
		found, more := accesses.after(query.Get("run"), after)
		if len(found) == 0 {
			select {
			case <-more:
			case <-r.Context().Done():
			case <-time.After(time.Duration(wait) * time.Second):
			}
			found, _ = accesses.after(query.Get("run"), after)
		}
		tell(w, map[string]any{"run": accesses.run, "accesses": found})
	})
	return mux
}

func take(table *Table, body io.Reader) error {
	var given struct {
		Routes *[]Route `json:"routes"`
	}
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		return fmt.Errorf("the table cannot be read: %w", err)
	}
	if given.Routes == nil {
		return fmt.Errorf(`the table has no "routes"`)
	}
	return table.Swap(*given.Routes)
}

func tell(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(document)
}
