package router

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	leftOut = 30 * time.Second // a failed instance; gorouter's quarter of droplet_stale_threshold
	// An emptied pool answers 503 for so long, then the route is unknown; gorouter looks each 30 s, so there it
	// may take longer.
	emptyPool = 10 * time.Second
)

// pool is a route's instances.
type pool struct {
	path     string
	backends []Backend
	turn     *atomic.Uint64 // goes on over swaps
	emptied  time.Time      // zero where there has never been a backend
}

// newPool makes a route's pool, with what must outlive a swap of the pool that the route had before.
func newPool(route Route, earlier []*pool, now time.Time) *pool {
	path := strings.TrimSuffix(strings.ToLower(route.Path), "/")
	made := &pool{path: path, backends: route.Backends, turn: &atomic.Uint64{}}
	for _, before := range earlier {
		if before.path != path {
			continue
		}
		made.turn, made.emptied = before.turn, before.emptied
		if len(before.backends) > 0 {
			made.emptied = now
		}
	}
	return made
}

func (p *pool) covers(path string) bool {
	return p.path == "" || path == p.path || strings.HasPrefix(path, p.path+"/")
}

// known says whether gorouter would know the route: it learns of one by its first instance, and forgets one that
// has been empty for a while.
func (p *pool) known(now time.Time) bool {
	return len(p.backends) > 0 || now.Sub(p.emptied) < emptyPool
}

// turns hands out a pool's backends to the attempts of one request, from the pool's next one on.
type turns struct {
	backend  Backend
	pool     *pool
	failures *failures
	next     int
	tried    map[string]bool
}

func (p *pool) turns(failures *failures) *turns {
	first := (p.turn.Add(1) - 1) % uint64(len(p.backends))
	return &turns{pool: p, failures: failures, next: int(first), tried: map[string]bool{}}
}

// take sets the backend to try, or says that all have had their turn.
func (t *turns) take(attempt int, now time.Time) bool {
	backends := t.pool.backends
	at := t.failures.next(backends, t.next, now)
	t.next, t.backend = at+1, backends[at]
	if attempt > len(backends) && t.tried[t.backend.Address] {
		return false
	}
	t.tried[t.backend.Address] = true
	return true
}

// place is one instance's address: another instance at the same address has not failed.
type place struct{ address, instance string }

func (b Backend) place() place { return place{b.Address, b.Instance} }

// failures are the instances that are left out, and since when.
type failures struct {
	mutex sync.Mutex
	since map[place]time.Time
}

func (f *failures) add(backend Backend, now time.Time) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.since[backend.place()] = now
}

// keep forgets all but the failures of these routes' instances.
func (f *failures) keep(routes []Route) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	kept := map[place]time.Time{}
	for _, route := range routes {
		for _, backend := range route.Backends {
			if since, found := f.since[backend.place()]; found {
				kept[backend.place()] = since
			}
		}
	}
	f.since = kept
}

// next returns the first of the backends from start on that is not left out; where all are, none is any more.
func (f *failures) next(backends []Backend, start int, now time.Time) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for step := range backends {
		at := (start + step) % len(backends)
		since, failed := f.since[backends[at].place()]
		if !failed || now.Sub(since) > leftOut {
			return at
		}
	}
	for _, backend := range backends {
		delete(f.since, backend.place())
	}
	return start % len(backends)
}
