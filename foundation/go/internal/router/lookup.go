package router

import (
	"net/http"
	"regexp"
	"strconv"
	"sync/atomic"
)

const (
	appInstanceHeader     = "X-Cf-App-Instance"
	processInstanceHeader = "X-Cf-Process-Instance"
	guidPattern           = `([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12})`
)

var (
	appInstance     = regexp.MustCompile(`^` + guidPattern + `:(\d+)$`)
	processInstance = regexp.MustCompile(`^` + guidPattern + `(?::(\d+))?$`)
)

// wish is which instances a request asks for by header; an empty index means any.
type wish struct {
	guid, index string
	ofProcess   bool
}

// lookup returns the pool for a request, which has a backend, or says why there is none.
func (t *Table) lookup(r *http.Request) (*pool, *refusal) {
	host := hostname(r.Host)
	if host == "" || host == hostname(r.RemoteAddr) {
		return nil, emptyHost()
	}
	wish, refused := wished(r.Header)
	if refused != nil {
		return nil, refused
	}
	found := t.find(host, r.URL.EscapedPath())
	if wish != nil {
		if found = found.only(*wish); found == nil {
			return nil, unknownInstance(*wish, r.Host)
		}
	}
	switch {
	case found == nil:
		return nil, unknownRoute(r.Host)
	case len(found.backends) == 0:
		return nil, noEndpoints(r.Host)
	}
	return found, nil
}

func wished(headers http.Header) (*wish, *refusal) {
	if value := headers.Get(appInstanceHeader); value != "" {
		if found := appInstance.FindStringSubmatch(value); found != nil {
			return &wish{guid: found[1], index: found[2]}, nil
		}
		return nil, invalidAppInstance()
	}
	if value := headers.Get(processInstanceHeader); value != "" {
		if found := processInstance.FindStringSubmatch(value); found != nil {
			return &wish{guid: found[1], index: found[2], ofProcess: true}, nil
		}
		return nil, invalidProcessInstance()
	}
	return nil, nil
}

func (w wish) meets(backend Backend) bool {
	guid := backend.App
	if w.ofProcess {
		guid = backend.Process
	}
	return w.guid == guid && (w.index == "" || w.index == strconv.Itoa(backend.Index))
}

// only returns a pool of the backends that are wished for, or nil where there is none.
func (p *pool) only(w wish) *pool {
	if p == nil {
		return nil
	}
	var chosen []Backend
	for _, backend := range p.backends {
		if w.meets(backend) {
			chosen = append(chosen, backend)
		}
	}
	if chosen == nil {
		return nil
	}
	return &pool{path: p.path, backends: chosen, turn: &atomic.Uint64{}}
}
