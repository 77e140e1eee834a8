package router

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 15 * time.Minute // gorouter's endpoint_timeout
)

// balancer sends a request to the first of its backends that accepts a connection: one that was refused has not
// carried anything of the request, so another may have it, whatever the method.
type balancer struct{ transport http.RoundTripper }

// newBalancer keeps no connection open: container addresses are used again, also by other apps.
func newBalancer() *balancer {
	return &balancer{&http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DisableKeepAlives:     true,
		DisableCompression:    true,
		ResponseHeaderTimeout: answerTimeout,
	}}
}

func (b *balancer) RoundTrip(request *http.Request) (*http.Response, error) {
	var failures []error
	for _, backend := range request.Context().Value(backendsKey{}).([]string) {
		attempt := request.Clone(request.Context())
		attempt.URL.Host = backend
		if request.Body != nil {
			attempt.Body = io.NopCloser(request.Body) // an attempt that fails closes its body
		}
		answer, err := b.transport.RoundTrip(attempt)
		if err == nil {
			return answer, nil
		}
		failures = append(failures, err)
		var network *net.OpError
		if !errors.As(err, &network) || network.Op != "dial" || request.Context().Err() != nil {
			break
		}
	}
	return nil, errors.Join(failures...)
}
