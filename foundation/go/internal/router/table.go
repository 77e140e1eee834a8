// Package router is the HTTP router of the local foundation.
package router

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
)

// Route sends a host, and what lies below a path of it, to instances; Host may start with `*.`, Path is empty or
// starts with a slash, Backends are ip:port.
type Route struct {
	Host     string   `json:"host"`
	Path     string   `json:"path"`
	Backends []string `json:"backends"`
}

func (r Route) check() error {
	if r.Host == "" || strings.ContainsAny(r.Host, "/ ") {
		return fmt.Errorf("the route's host %q is no host name", r.Host)
	}
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") {
		return fmt.Errorf("the path %q of %s does not start with a slash", r.Path, r.Host)
	}
	for _, backend := range r.Backends {
		if host, port, err := net.SplitHostPort(backend); err != nil || host == "" || port == "" {
			return fmt.Errorf("the backend %q of %s is no ip:port", backend, r.Host)
		}
	}
	return nil
}

// entry is a route as it is looked up: in lower case, as gorouter does it.
type entry struct {
	path     string
	backends []string
	next     atomic.Uint64
}

type snapshot struct {
	routes []Route
	byHost map[string][]*entry // of each host the longest path first
}

// Table is the routing table; readers never wait for a swap.
type Table struct {
	current atomic.Pointer[snapshot]
}

// NewTable returns a table without routes.
func NewTable() *Table {
	table := &Table{}
	table.current.Store(&snapshot{routes: []Route{}})
	return table
}

// Swap replaces the whole table, or leaves it as it is where a route is wrong.
func (t *Table) Swap(routes []Route) error {
	var failures []error
	byHost := map[string][]*entry{}
	for _, route := range routes {
		failures = append(failures, route.check())
		host := strings.ToLower(route.Host)
		path := strings.TrimSuffix(strings.ToLower(route.Path), "/")
		byHost[host] = append(byHost[host], &entry{path: path, backends: route.Backends})
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, entries := range byHost {
		slices.SortStableFunc(entries, func(a, b *entry) int { return len(b.path) - len(a.path) })
	}
	t.current.Store(&snapshot{routes: slices.Clone(routes), byHost: byHost})
	return nil
}

// Routes returns the table as it was given.
func (t *Table) Routes() []Route { return t.current.Load().routes }

// find returns the route with the longest path that the request's path lies below; an exact host goes before
// `*.` and its domain.
func (t *Table) find(host, path string) *entry {
	byHost := t.current.Load().byHost
	path = strings.ToLower(path)
	for name := host; ; {
		for _, entry := range byHost[name] {
			if path == entry.path || strings.HasPrefix(path, entry.path+"/") || entry.path == "" {
				return entry
			}
		}
		_, domain, found := strings.Cut(strings.TrimPrefix(name, "*."), ".")
		if !found {
			return nil
		}
		name = "*." + domain
	}
}

// hostname returns the Host header's name: without port, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}

// order returns the backends in the order to try them: each request starts with the next one.
func (e *entry) order() []string {
	count := uint64(len(e.backends))
	if count == 0 {
		return nil
	}
	first := (e.next.Add(1) - 1) % count
	return slices.Concat(e.backends[first:], e.backends[:first])
}
