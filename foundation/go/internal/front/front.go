// Package front hands out the objects of a store, to readers only.
package front

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"time"
)

const answerTimeout = 15 * time.Minute // of the store, until its answer begins

// readHeaders are all that passes of a request: what is needed to read an object, or a part of it.
var readHeaders = []string{
	"Accept", "Accept-Encoding", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Range", "User-Agent",
}

// New returns a handler that lets nothing pass but reading objects below a prefix: no other method, no
// other path, no query, no credentials, no body.
func New(upstream, prefix string) (http.Handler, error) {
	target, err := url.Parse(upstream)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, fmt.Errorf("the upstream %q is no URL", upstream)
	}
	if !strings.HasPrefix(prefix, "/") || !strings.HasSuffix(prefix, "/") {
		return nil, fmt.Errorf("the prefix %q does not start and end with a slash", prefix)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 16, DisableCompression: true, ResponseHeaderTimeout: answerTimeout,
		},
		Rewrite: func(r *httputil.ProxyRequest) { plainRead(r, target) },
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
			http.Error(w, "the store does not answer", http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		if !below(r.URL.Path, prefix) {
			http.NotFound(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}), nil
}

// below tells whether a decoded path is clean and names something below the prefix.
func below(name, prefix string) bool {
	return path.Clean(name) == name && strings.HasPrefix(name, prefix)
}

// plainRead sends the very path that was checked, encoded anew, and of the headers those for reading.
func plainRead(r *httputil.ProxyRequest, target *url.URL) {
	r.Out.URL = &url.URL{Scheme: target.Scheme, Host: target.Host, Path: r.In.URL.Path}
	r.Out.Host = target.Host
	r.Out.Body, r.Out.ContentLength = nil, 0
	r.Out.Header = http.Header{}
	for _, name := range readHeaders {
		if values := r.In.Header.Values(name); len(values) > 0 {
			r.Out.Header[name] = values
		}
	}
}
