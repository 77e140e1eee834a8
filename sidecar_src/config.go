package main

import (
	"encoding/json"
	"log"
	"net/http"
)

// config is what the app asks for. The sample emulates an external configuration service.
type config struct {
	Scope    string
	Password string
}

var sample = config{Scope: "some-service.admin", Password: "not-a-real-p4$$w0rd"}

// handler answers GET /config/ and GET /healthz.
func handler(logger *log.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config/{$}", func(w http.ResponseWriter, r *http.Request) {
		logger.Printf("%s asks for its configuration", r.RemoteAddr)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(sample)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("ok\n"))
	})
	return mux
}
