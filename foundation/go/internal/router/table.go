// Package router is the HTTP router of the local foundation.
package router

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Route sends a host, and what lies below a path of it, to instances; Host may start with `*.`, Path is empty or
// starts with a slash.
type Route struct {
	Host     string    `json:"host"`
	Path     string    `json:"path"`
	Backends []Backend `json:"backends"`
}

// Backend is an instance, at ip:port.
type Backend struct {
	Address     string `json:"address"`
	App         string `json:"app_guid"`
	Process     string `json:"process_guid"`
	ProcessType string `json:"process_type"`
	Index       int    `json:"index"`
	Instance    string `json:"instance_guid"`
}

func (r Route) check() error {
	if r.Host == "" || strings.ContainsAny(r.Host, "/ ") {
		return fmt.Errorf("the route's host %q is no host name", r.Host)
	}
	if r.Path != "" && !strings.HasPrefix(r.Path, "/") {
		return fmt.Errorf("the path %q of %s does not start with a slash", r.Path, r.Host)
	}
	for _, backend := range r.Backends {
		if host, port, err := net.SplitHostPort(backend.Address); err != nil || host == "" || port == "" {
			return fmt.Errorf("the backend %q of %s is no ip:port", backend.Address, r.Host)
		}
	}
	return nil
}

// snapshot is a table as it was given, and as it is looked up: in lower case, as gorouter does it.
type snapshot struct {
	routes []Route
	byHost map[string][]*pool // of each host the longest path first
}

// Table is the routing table; readers never wait for a swap.
type Table struct {
	current  atomic.Pointer[snapshot]
	swapping sync.Mutex
	failures *failures
	now      func() time.Time
}

// NewTable returns a table without routes.
func NewTable() *Table {
	table := &Table{failures: &failures{since: map[place]time.Time{}}, now: time.Now}
	table.current.Store(&snapshot{routes: []Route{}})
	return table
}

// Swap replaces the whole table, or leaves it as it is where a route is wrong.
func (t *Table) Swap(routes []Route) error {
	var wrong []error
	for _, route := range routes {
		wrong = append(wrong, route.check())
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	t.swapping.Lock()
	defer t.swapping.Unlock()
	before := t.current.Load().byHost
	byHost := map[string][]*pool{}
	for _, route := range routes {
		host := strings.ToLower(route.Host)
		byHost[host] = append(byHost[host], newPool(route, before[host], t.now()))
	}
	for _, pools := range byHost {
		slices.SortStableFunc(pools, func(a, b *pool) int { return len(b.path) - len(a.path) })
	}
	t.failures.keep(routes)
	t.current.Store(&snapshot{routes: slices.Clone(routes), byHost: byHost})
	return nil
}

// Routes returns the table as it was given.
func (t *Table) Routes() []Route { return t.current.Load().routes }

// find returns the pool of the longest path that the request's path lies below; an exact host goes before `*.`
// and its domain.
func (t *Table) find(host, path string) *pool {
	byHost, now := t.current.Load().byHost, t.now()
	path = strings.ToLower(path)
	for name := host; ; {
		for _, pool := range byHost[name] {
			if pool.covers(path) && pool.known(now) {
				return pool
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
