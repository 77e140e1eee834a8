package router

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// Of a line that is longer than what gorouter may send, headers and path are cut.
	longestLine   = 65_400
	longestHeader = 1_000
	longestPath   = 20_000
)

// access is one request and what became of it.
type access struct {
	request         *http.Request
	exchange        *exchange
	status          int
	received        time.Time
	bytesIn         int64
	bytesOut        int64
	routerError     string
	whole, instance time.Duration // the time in all, and that which the instance took of it
}

// line writes an access as gorouter does.
func line(a access) string {
	whole := a.written(func(text, _ string, _ int) string { return text })
	if len(whole) > longestLine {
		return a.written(shortened)
	}
	return whole
}

func (a access) written(fit func(text, name string, most int) string) string {
	header := func(name string) string { return quoted(fit(a.exchange.headers.Get(name), name, longestHeader)) }
	backend := a.exchange.backend
	path := fit(a.request.URL.RequestURI(), "request-uri", longestPath)
	words := []string{
		a.request.Host, "-", a.received.UTC().Format("[2006-01-02T15:04:05.000000000Z]"),
		strconv.Quote(strings.Join([]string{a.request.Method, path, a.request.Proto}, " ")),
		fmt.Sprint(a.status), fmt.Sprint(a.bytesIn), fmt.Sprint(a.bytesOut),
		header("Referer"), header("User-Agent"), quoted(a.request.RemoteAddr), quoted(backend.Address),
		"x_forwarded_for:" + header("X-Forwarded-For"), "x_forwarded_proto:" + header("X-Forwarded-Proto"),
		"vcap_request_id:" + quoted(a.exchange.headers.Get(requestIDHeader)),
		fmt.Sprintf("response_time:%.6f", a.whole.Seconds()),
		fmt.Sprintf("gorouter_time:%.6f", (a.whole - a.instance).Seconds()),
		"app_id:" + quoted(backend.App), "app_index:" + quoted(strconv.Itoa(backend.Index)),
		"instance_id:" + quoted(backend.Instance), "x_cf_routererror:" + quoted(a.routerError),
	}
	return strings.Join(words, " ")
}

func quoted(text string) string {
	if text == "" {
		text = "-"
	}
	return strconv.Quote(text)
}

// shortened halves a text until it fits, and says so, as gorouter does.
func shortened(text, name string, most int) string {
	for len(text) > most {
		text = text[:len(text)/2] + "..." + strings.ToUpper(name) + "-TOO-LONG-TO-LOG--TRUNCATED"
	}
	return text
}

// routerError is what the line says went wrong; a semicolon in the request is a remark of gorouter's.
func routerError(r *http.Request, answer http.Header) string {
	said := answer.Get(routerErrorHeader)
	if said == "" && strings.Contains(r.RequestURI, ";") {
		return "deprecated-semicolon-params"
	}
	return said
}

// countedBody knows how much of it was read.
type countedBody struct {
	io.ReadCloser
	size atomic.Int64
}

func (c *countedBody) Read(into []byte) (int, error) {
	count, err := c.ReadCloser.Read(into)
	c.size.Add(int64(count))
	return count, err
}

// countedAnswer knows what was answered. It guesses no Content-Type where the app says none.
type countedAnswer struct {
	http.ResponseWriter
	status int
	size   int64
}

func (c *countedAnswer) WriteHeader(status int) {
	if _, said := c.Header()["Content-Type"]; !said {
		c.Header()["Content-Type"] = nil
	}
	if c.status < http.StatusOK { // none yet, or one that goes before the answer
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *countedAnswer) Write(data []byte) (int, error) {
	count, err := c.ResponseWriter.Write(data)
	c.size += int64(count)
	return count, err
}

// Unwrap lets the connection be flushed and taken over.
func (c *countedAnswer) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// orStatus is the answer's status; an upgraded connection has only what the instance said.
func (c *countedAnswer) orStatus(instances int) int {
	if c.status == 0 {
		return instances
	}
	return c.status
}
