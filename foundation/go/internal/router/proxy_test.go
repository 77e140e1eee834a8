package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// app starts an instance that answers with its name; it returns ip:port.
func app(t *testing.T, name string) string {
	t.Helper()
	return instance(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })
}

func instance(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// refusing returns an address where nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}

// routing starts a router with a table; it returns its URL.
func routing(t *testing.T, routes ...Route) (string, *Table) {
	t.Helper()
	table := NewTable()
	swap(t, table, routes...)
	server := httptest.NewServer(NewProxy(table))
	t.Cleanup(server.Close)
	return server.URL, table
}

func swap(t *testing.T, table *Table, routes ...Route) {
	t.Helper()
	if err := table.Swap(routes); err != nil {
		t.Fatal(err)
	}
}

type answer struct {
	*http.Response
	body string
}

func ask(t *testing.T, method, url, host string, body io.Reader, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	for index := 0; index < len(headers); index += 2 {
		request.Header.Set(headers[index], headers[index+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(raw)}
}

func get(t *testing.T, url, host string, headers ...string) answer {
	t.Helper()
	return ask(t, http.MethodGet, url, host, nil, headers...)
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRequestGoesToTheLongestPathOfItsHost(t *testing.T) {
	root, deep, star, other := app(t, "root"), app(t, "deep"), app(t, "star"), app(t, "other")
	url, _ := routing(
		t, Route{"App.Example", "", []string{root}}, Route{"app.example", "/Deep/er/", []string{deep}},
		Route{"app.example", "/deep", []string{other}}, Route{"*.example", "", []string{star}},
	)
	for target, want := range map[string]string{
		"app.example/": "root", "APP.example:8080/x": "root", "app.example/deep/er": "deep", "app.example/DEEP/er/x?y": "deep",
		"app.example/deep/ers": "other", "app.example/deeper": "root", "b.example/": "star", "c.b.example/": "star",
	} {
		host, path, _ := strings.Cut(target, "/")
		equal(t, target+" "+get(t, url+"/"+path, host).body, target+" "+want)
	}
}

func TestFailuresAreToldAsGorouterTellsThem(t *testing.T) {
	url, _ := routing(
		t, Route{"empty.example", "", nil}, Route{"down.example", "", []string{refusing(t), refusing(t)}},
		Route{"only.example", "/path", []string{app(t, "x")}},
	)
	for host, want := range map[string][]any{
		"none.example:80": {404, "unknown_route", "404 Not Found: Requested route ('none.example') does not exist.\n"},
		"only.example":    {404, "unknown_route", "404 Not Found: Requested route ('only.example') does not exist.\n"},
		"empty.example":   {503, "no_endpoints", "503 Service Unavailable: Requested route ('empty.example') has no available endpoints.\n"},
		"down.example":    {502, "endpoint_failure", "502 Bad Gateway: Registered endpoint failed to handle the request.\n"},
	} {
		got := get(t, url, host)
		equal(t, []any{got.StatusCode, got.Header.Get("X-Cf-Routererror"), got.body}, want)
	}
}

func TestInstancesTakeTurnsAndRefusingOnesArePassedOver(t *testing.T) {
	url, _ := routing(t, Route{"a.example", "", []string{app(t, "1"), refusing(t), app(t, "2")}})
	said := ""
	for range 6 {
		said += ask(t, http.MethodPost, url, "a.example", strings.NewReader("body")).body
	}
	equal(t, said, "122122")
}

func TestBodyReachesTheNextInstanceWhole(t *testing.T) {
	// It answers when it has read all: who answers before need not be sent the rest.
	echo := instance(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	url, _ := routing(t, Route{"a.example", "", []string{refusing(t), echo}})
	for _, body := range []string{strings.Repeat("x", 1<<20), ""} {
		got := ask(t, http.MethodPost, url, "a.example", strings.NewReader(body))
		equal(t, len(got.body), len(body))
	}
}

func TestRequestThatAnInstanceBrokeOffIsNotSentAgain(t *testing.T) {
	var requests atomic.Int64
	breaking := func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler)
	}
	url, _ := routing(t, Route{"a.example", "", []string{instance(t, breaking), instance(t, breaking)}})
	equal(t, get(t, url, "a.example").StatusCode, 502)
	equal(t, requests.Load(), 1)
}

func TestAppSeesTheRequestAndWhereItCameFrom(t *testing.T) {
	seen := make(chan *http.Request, 2)
	url, _ := routing(t, Route{"a.example", "", []string{instance(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })}})
	got := get(t, url+"/a%2Fb/../c?x=1;y=%zz", "A.example:99", "X-Forwarded-For", "1.2.3.4", "X-Vcap-Request-Id", "forged")
	request := <-seen
	equal(t, request.RequestURI, "/a%2Fb/../c?x=1;y=%zz")
	equal(t, request.Host, "A.example:99")
	equal(t, request.Header.Get("X-Forwarded-For"), "1.2.3.4, 127.0.0.1")
	equal(t, request.Header.Get("X-Forwarded-Proto"), "http")
	equal(t, request.Header.Values("X-Forwarded-Host"), []string{})
	id := request.Header.Get("X-Vcap-Request-Id")
	equal(t, len(id), 36)
	equal(t, got.Header.Values("X-Vcap-Request-Id"), []string{id})
	get(t, url, "a.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "outer")
	request = <-seen
	equal(t, request.Header.Get("X-Forwarded-Proto")+request.Header.Get("X-Forwarded-Host"), "httpsouter")
}

func TestStreamArrivesAsItIsWritten(t *testing.T) {
	more := make(chan struct{})
	url, _ := routing(t, Route{"a.example", "", []string{instance(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprintln(w, "second")
	})}})
	request, _ := http.NewRequest(http.MethodGet, url, nil)
	request.Host = "a.example"
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	line, _ := reader.ReadString('\n')
	equal(t, line, "first\n") // the app still waits: this was not held back
	close(more)
	line, _ = reader.ReadString('\n')
	equal(t, line, "second\n")
}

func TestUpgradedConnectionCarriesBothWays(t *testing.T) {
	url, _ := routing(t, Route{"a.example", "", []string{refusing(t), instance(t, func(w http.ResponseWriter, r *http.Request) {
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		line, _ := buffered.ReadString('\n')
		fmt.Fprint(connection, strings.ToUpper(line))
	})}})
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprint(connection, "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, response.Status+response.Header.Get("Upgrade"), "101 Switching Protocolswebsocket")
	fmt.Fprint(connection, "hello\n")
	line, _ := reader.ReadString('\n')
	equal(t, line, "HELLO\n")
}

func TestTableIsSwappedUnderLoadWithoutALostRequest(t *testing.T) {
	one, two := app(t, "1"), app(t, "2")
	url, table := routing(t, Route{"a.example", "", []string{one}})
	var askers sync.WaitGroup
	var wrong atomic.Int64
	for range 4 {
		askers.Add(1)
		go func() {
			defer askers.Done()
			for range 100 {
				if got := get(t, url, "a.example"); got.StatusCode != 200 || (got.body != "1" && got.body != "2") {
					wrong.Add(1)
				}
			}
		}()
	}
	for number := range 500 {
		swap(t, table, Route{"a.example", "", []string{[]string{one, two}[number%2]}}, Route{fmt.Sprint("b", number), "", nil})
	}
	askers.Wait()
	equal(t, wrong.Load(), 0)
}

func TestConnectionIsNotKeptForTheNextOwnerOfAnAddress(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	url, _ := routing(t, Route{"a.example", "", []string{server.Listener.Addr().String()}})
	get(t, url, "a.example")
	get(t, url, "a.example")
	equal(t, connections.Load(), 2)
}
