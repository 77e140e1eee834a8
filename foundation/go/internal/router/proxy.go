package router

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

const requestIDHeader = "X-Vcap-Request-Id"

// exchange is what is known of a request that has a pool, while it is under way.
type exchange struct {
	pool    *pool
	backend Backend     // the last that was tried
	headers http.Header // as the instance gets them
	status  int         // of its answer
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// NewProxy returns the handler that sends requests to the table's instances, with gorouter's headers and its
// texts for failures, and keeps a line of each request that had an instance.
func NewProxy(table *Table, accesses *Accesses) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      newBalancer(table),
		FlushInterval:  -1, // at once: what an app streams is read as it comes
		ModifyResponse: answerID,
		ErrorHandler:   failed,
		ErrorLog:       log.Default(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received := time.Now()
		r.Header.Set(requestIDHeader, requestID())
		pool, refused := table.lookup(r)
		if refused != nil {
			refused.write(w)
			return
		}
		found := forward(proxy, &exchange{pool: pool}, w, r)
		found.received, found.whole = received, time.Since(received)
		if app := found.exchange.backend.App; app != "" { // else no instance was even tried
			accesses.add(app, line(found))
		}
	})
}

// forward lets an instance answer and returns what can be told of that.
func forward(proxy http.Handler, exchange *exchange, w http.ResponseWriter, r *http.Request) access {
	body, answer := &countedBody{ReadCloser: r.Body}, &countedAnswer{ResponseWriter: w}
	r.Body = body
	begun := time.Now()
	proxy.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, exchange)))
	return access{
		request: r, exchange: exchange, status: answer.orStatus(exchange.status), instance: time.Since(begun),
		bytesIn: body.size.Load(), bytesOut: answer.size, routerError: routerError(r, answer.Header()),
	}
}

// rewrite leaves a request as it came, but for what a proxy owes: X-Forwarded-For grows, X-Forwarded-Proto is
// what a proxy before us has said.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http"
	r.Out.URL.Host = r.In.Host // the balancer puts the instance's address here
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	r.Out.Host = r.In.Host
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
	r.Out.Header.Del("X-Forwarded-Host") // gorouter sets none
	r.Out.Header.Del(appInstanceHeader)
	r.Out.Header.Set("X-Request-Start", strconv.FormatInt(time.Now().UnixMilli(), 10))
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Start"} {
		if said := r.In.Header.Values(name); len(said) > 0 {
			r.Out.Header[name] = said
		}
	}
	exchangeOf(r.In.Context()).headers = r.Out.Header
}

// answerID tells the client the request's id, unless the app has said one.
func answerID(answer *http.Response) error {
	if answer.Header.Get(requestIDHeader) == "" {
		answer.Header.Set(requestIDHeader, answer.Request.Header.Get(requestIDHeader))
	}
	return nil
}

// requestID returns a random UUID.
func requestID() string {
	var raw [16]byte
	rand.Read(raw[:])
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}
