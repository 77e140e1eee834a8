package router

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestInstancesTakeTurnsAndRefusingOnesArePassedOver(t *testing.T) {
	url, table := routing(t, to("a.example", "", app(t, "1"), refusing(t), app(t, "2")))
	said := ""
	for range 6 {
		said += ask(t, http.MethodPost, url, "a.example", strings.NewReader("body")).body
	}
	equal(t, said, "122122")
	equal(t, len(table.failures.since), 1)
}

func TestBodyReachesTheNextInstanceWhole(t *testing.T) {
	// It answers when it has read all: who answers before need not be sent the rest.
	echo := instance(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	url, _ := routing(t, to("a.example", "", refusing(t), echo))
	for _, body := range []string{strings.Repeat("x", 1<<20), ""} {
		got := ask(t, http.MethodPost, url, "a.example", strings.NewReader(body))
		equal(t, len(got.body), len(body))
	}
}

// breaking counts its requests and breaks each off, once it has read it.
func breaking(t *testing.T, requests *atomic.Int64) string {
	t.Helper()
	return instance(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		requests.Add(1)
		panic(http.ErrAbortHandler)
	})
}

func TestRequestThatAnInstanceBrokeOffIsSentAgainOnlyWhereItMayBe(t *testing.T) {
	for _, each := range []struct {
		method, body, header string
		want                 int64
	}{
		{http.MethodGet, "", "X-Other", 2}, {http.MethodHead, "", "X-Other", 2}, {http.MethodPost, "", "X-Other", 1},
		{http.MethodDelete, "", "X-Other", 1}, {http.MethodPost, "", "Idempotency-Key", 2}, {http.MethodGet, "body", "X-Other", 1},
		{http.MethodPost, "body", "Idempotency-Key", 1},
	} {
		var requests atomic.Int64
		url, _ := routing(t, to("a.example", "", breaking(t, &requests), breaking(t, &requests)))
		got := ask(t, each.method, url, "a.example", strings.NewReader(each.body), each.header, "x")
		equal(t, fmt.Sprint(each, got.StatusCode), fmt.Sprint(each, 502))
		equal(t, fmt.Sprint(each, requests.Load()), fmt.Sprint(each, each.want))
	}
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestRequestIsSentAgainWhereItCouldNotBeWritten(t *testing.T) {
	for _, wrote := range []bool{false, true} {
		var tries int
		table := NewTable()
		balancer := &balancer{table: table, transport: transport(func(r *http.Request) (*http.Response, error) {
			tries++
			trace := httptrace.ContextClientTrace(r.Context())
			trace.GotConn(httptrace.GotConnInfo{})
			if wrote {
				trace.WroteHeaders()
			}
			return nil, io.ErrUnexpectedEOF
		})}
		pool := newPool(to("a.example", "", "10.0.0.1:1", "10.0.0.2:1"), nil, time.Now())
		ctx := context.WithValue(t.Context(), exchangeKey{}, &exchange{pool: pool})
		request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://a.example", strings.NewReader("body"))
		_, err := balancer.RoundTrip(request)
		equal(t, []any{wrote, tries, err}, []any{wrote, map[bool]int{false: 2, true: 1}[wrote], io.ErrUnexpectedEOF})
	}
}

func TestRequestThatAnInstanceBrokeOffGoesToAnotherOne(t *testing.T) {
	var requests atomic.Int64
	url, _ := routing(t, to("a.example", "", breaking(t, &requests), app(t, "2")))
	equal(t, get(t, url, "a.example").body, "2")
	equal(t, requests.Load(), 1)
}

func TestThreeInstancesAreTriedAtMost(t *testing.T) {
	url, _ := routing(t, to("a.example", "", refusing(t), refusing(t), refusing(t), app(t, "4")))
	equal(t, get(t, url, "a.example").StatusCode, 502)
	equal(t, get(t, url, "a.example").body, "4")
	url, _ = routing(t, to("a.example", "", refusing(t), refusing(t), app(t, "3")))
	equal(t, get(t, url, "a.example").body, "3")
}

// dialled is an instance that can be asked how often it was connected to; it reads each request and resets the
// connection.
func dialled(t *testing.T) (string, *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var count atomic.Int64
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			if request, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
				io.Copy(io.Discard, request.Body)
			}
			connection.(*net.TCPConn).SetLinger(0)
			connection.Close()
		}
	}()
	return listener.Addr().String(), &count
}

func TestRequestWhoseConnectionWasResetIsNotSentAgain(t *testing.T) {
	resetting, _ := dialled(t)
	url, _ := routing(t, to("a.example", "", resetting, app(t, "2")))
	got := get(t, url, "a.example")
	equal(t, got.StatusCode, 502)
	equal(t, strings.Contains(got.Header.Get("X-Cf-Routererror"), "connection reset by peer"), true)
}

func TestFailedInstanceIsLeftOutForAWhile(t *testing.T) {
	dead, dials := dialled(t)
	url, table := routing(t, to("a.example", "", dead, app(t, "2")))
	began := time.Now()
	at := func(after time.Duration) { table.now = func() time.Time { return began.Add(after) } }
	statuses := func() string {
		said := ""
		for range 4 {
			said += fmt.Sprint(ask(t, http.MethodPost, url, "a.example", strings.NewReader("body")).StatusCode, " ")
		}
		return said
	}
	at(0)
	equal(t, statuses(), "502 200 200 200 ")
	swap(t, table, table.Routes()[0], to("b.example", ""))
	at(30 * time.Second)
	equal(t, statuses(), "200 200 200 200 ")
	equal(t, dials.Load(), 1)
	at(31 * time.Second)
	equal(t, statuses(), "502 200 200 200 ")
	other := table.Routes()[0]
	other.Backends[0].Instance = "another, at the same address"
	swap(t, table, other)
	equal(t, statuses(), "502 200 200 200 ")
}

func TestNoInstanceIsLeftOutWhereAllHaveFailed(t *testing.T) {
	first, firsts := dialled(t)
	second, seconds := dialled(t)
	url, table := routing(t, to("a.example", "", first, second))
	for range 7 {
		ask(t, http.MethodPost, url, "a.example", strings.NewReader("body"))
	}
	equal(t, []int64{firsts.Load(), seconds.Load()}, []int64{4, 3})
	equal(t, len(table.failures.since), 1) // the first one's again: all were forgotten
}

func TestTurnsGoOnOverASwap(t *testing.T) {
	url, table := routing(t, to("a.example", "", app(t, "1"), app(t, "2")))
	said := ""
	for range 4 {
		said += get(t, url, "a.example").body
		swap(t, table, table.Routes()...)
	}
	equal(t, said, "1212")
}

func TestClientThatGoesAwayIsNotTheInstancesFailure(t *testing.T) {
	begun, accesses := make(chan struct{}), NewAccesses()
	url, _ := logging(t, accesses, example(instance(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})))
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	<-begun
	connection.Close()
	equal(t, strings.Contains(lines(t, accesses, 1)[0].Line, ` HTTP/1.1" 499 0 22 `), true)
}
