package router

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 15 * time.Minute // gorouter's endpoint_timeout
	maxAttempts   = 3                // gorouter's backends.max_attempts
)

// balancer sends a request to its pool's instances in turn, and again as gorouter does: where an instance has got
// nothing of it, or broke off without an answer to a request that may be repeated.
type balancer struct {
	transport http.RoundTripper
	table     *Table
}

// newBalancer keeps no connection open: container addresses are used again, also by other apps.
func newBalancer(table *Table) *balancer {
	return &balancer{table: table, transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DisableKeepAlives:     true,
		DisableCompression:    true,
		ResponseHeaderTimeout: answerTimeout,
	}}
}

func (b *balancer) RoundTrip(request *http.Request) (*http.Response, error) {
	exchange := exchangeOf(request.Context())
	turns := exchange.pool.turns(b.table.failures)
	var failure error
	for attempt := 1; attempt <= maxAttempts && turns.take(attempt, b.table.now()); attempt++ {
		exchange.backend = turns.backend
		answer, sent, err := b.try(request, turns.backend)
		if err == nil {
			exchange.status = answer.StatusCode
			return answer, nil
		}
		failure = err
		if unfit(err) {
			b.table.failures.add(turns.backend, b.table.now())
		}
		if !repeatable(request, sent, err) {
			break
		}
	}
	return nil, failure
}

// try sends the request to one instance; it says whether the instance may have seen it.
func (b *balancer) try(request *http.Request, backend Backend) (*http.Response, bool, error) {
	var connected, wrote atomic.Bool
	attempt := request.Clone(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	}))
	attempt.URL.Host = backend.Address
	attempt.Header.Set("X-CF-ApplicationID", backend.App)
	attempt.Header.Set("X-CF-InstanceIndex", strconv.Itoa(backend.Index))
	attempt.Header.Set("X-CF-InstanceID", backend.Instance)
	if request.Body != nil {
		attempt.Body = io.NopCloser(request.Body) // an attempt that fails closes its body
	}
	answer, err := b.transport.RoundTrip(attempt)
	return answer, connected.Load() && wrote.Load(), err
}

// unfit says whether the instance is left out for a while after such a failure.
func unfit(err error) bool {
	var network *net.OpError
	if !errors.As(err, &network) {
		return false
	}
	return network.Op == "dial" || network.Op == "read" && errors.Is(network.Err, syscall.ECONNRESET)
}

func repeatable(request *http.Request, sent bool, err error) bool {
	if request.Context().Err() != nil {
		return false
	}
	return !sent || err == io.EOF && idempotent(request)
}

// idempotent is net/http's own rule of what it repeats.
func idempotent(request *http.Request) bool {
	if request.Body != nil && request.Body != http.NoBody {
		return false
	}
	switch request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return request.Header.Get("Idempotency-Key") != "" || request.Header.Get("X-Idempotency-Key") != ""
}
