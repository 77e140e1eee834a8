package router

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
)

type backendsKey struct{}

const requestIDHeader = "X-Vcap-Request-Id"

// NewProxy returns the handler that sends requests to the table's instances, with gorouter's headers and its
// texts for failures.
func NewProxy(table *Table) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      newBalancer(),
		FlushInterval:  -1, // at once: what an app streams is read as it comes
		ModifyResponse: answerID,
		ErrorHandler:   failed,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set(requestIDHeader, requestID())
		host := hostname(r.Host)
		route := table.find(host, r.URL.EscapedPath())
		if route == nil {
			refuse(w, http.StatusNotFound, "unknown_route", fmt.Sprintf("Requested route ('%s') does not exist.", host))
			return
		}
		backends := route.order()
		if backends == nil {
			text := fmt.Sprintf("Requested route ('%s') has no available endpoints.", host)
			refuse(w, http.StatusServiceUnavailable, "no_endpoints", text)
			return
		}
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), backendsKey{}, backends)))
	})
}

// rewrite leaves a request as it came, but for what a proxy owes: X-Forwarded-For grows, X-Forwarded-Proto is
// what a proxy before us has said.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.Host = r.In.Context().Value(backendsKey{}).([]string)[0]
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	r.Out.Host = r.In.Host
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
	r.Out.Header.Del("X-Forwarded-Host") // gorouter sets none
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if said := r.In.Header.Values(name); len(said) > 0 {
			r.Out.Header[name] = said
		}
	}
}

func answerID(answer *http.Response) error {
	answer.Header.Set(requestIDHeader, answer.Request.Header.Get(requestIDHeader))
	return nil
}

func failed(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("%s %s%s: %v", r.Method, r.Host, r.URL.EscapedPath(), err)
	w.Header().Set(requestIDHeader, r.Header.Get(requestIDHeader))
	refuse(w, http.StatusBadGateway, "endpoint_failure", "Registered endpoint failed to handle the request.")
}

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("X-Cf-Routererror", code)
	w.Header().Set("Cache-Control", "no-cache, no-store")
	http.Error(w, fmt.Sprintf("%d %s: %s", status, http.StatusText(status), text), status)
}

// requestID returns a random UUID.
func requestID() string {
	var raw [16]byte
	rand.Read(raw[:])
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}
