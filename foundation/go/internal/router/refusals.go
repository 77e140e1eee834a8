package router

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const (
	routerErrorHeader = "X-Cf-Routererror"
	neverStored       = "no-cache, no-store"
	brieflyStored     = "public,max-age=2"
	requestCancelled  = 499
)

// refusal is an answer of the router's own, in gorouter's words.
type refusal struct {
	status               int
	code, caching, about string
}

func (r *refusal) write(w http.ResponseWriter) {
	w.Header().Set(routerErrorHeader, r.code)
	w.Header().Set("Cache-Control", r.caching)
	http.Error(w, fmt.Sprintf("%d %s: %s", r.status, http.StatusText(r.status), r.about), r.status)
}

// emptyHost is also for a request to an address in place of a name, as a load balancer's probe is.
func emptyHost() *refusal {
	return &refusal{http.StatusBadRequest, "empty_host", brieflyStored, "Request had empty Host header"}
}

func unknownRoute(host string) *refusal {
	text := fmt.Sprintf("Requested route ('%s') does not exist.", host)
	return &refusal{http.StatusNotFound, "unknown_route", neverStored, text}
}

func noEndpoints(host string) *refusal {
	text := fmt.Sprintf("Requested route ('%s') has no available endpoints.", host)
	return &refusal{http.StatusServiceUnavailable, "no_endpoints", brieflyStored, text}
}

func invalidAppInstance() *refusal {
	const code, text = "invalid_cf_app_instance_header", "Invalid X-CF-App-Instance Header"
	return &refusal{http.StatusBadRequest, code, neverStored, text}
}

func invalidProcessInstance() *refusal {
	const code, text = "invalid_cf_process_instance_header", "Invalid X-CF-Process-Instance Header"
	return &refusal{http.StatusBadRequest, code, neverStored, text}
}

func unknownInstance(w wish, host string) *refusal {
	kind, index := "guid", fmt.Sprintf(" ('%s')", w.index)
	if w.ofProcess {
		kind = "process guid"
	}
	if w.index == "" {
		index = ""
	}
	text := fmt.Sprintf("Requested instance%s with %s ('%s') does not exist for route ('%s')", index, kind, w.guid, host)
	return &refusal{http.StatusBadRequest, "unknown_route", neverStored, text}
}

// failed answers for an instance that did not, or to a client that has gone, which only the access line shows.
func failed(w http.ResponseWriter, _ *http.Request, err error) {
	w.Header().Set(routerErrorHeader, fmt.Sprintf("endpoint_failure (%s)", err))
	if errors.Is(err, context.Canceled) {
		http.Error(w, "499 Request Cancelled", requestCancelled)
		return
	}
	http.Error(w, "502 Bad Gateway: Registered endpoint failed to handle the request.", http.StatusBadGateway)
}
