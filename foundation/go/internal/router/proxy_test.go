package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// to is a route to instances that have no facts but their addresses.
func to(host, path string, addresses ...string) Route {
	route := Route{Host: host, Path: path}
	for _, address := range addresses {
		route.Backends = append(route.Backends, Backend{Address: address})
	}
	return route
}

// routing starts a router with a table; it returns its URL.
func routing(t *testing.T, routes ...Route) (string, *Table) {
	t.Helper()
	table := NewTable()
	swap(t, table, routes...)
	server := httptest.NewServer(NewProxy(table, NewAccesses()))
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
		t, to("App.Example", "", root), to("app.example", "/Deep/er/", deep),
		to("app.example", "/deep", other), to("*.example", "", star),
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
	dead := refusing(t)
	url, table := routing(
		t, to("empty.example", "", dead), to("down.example", "", dead, dead),
		to("only.example", "/path", app(t, "x")), to("never.example", ""),
	)
	swap(t, table, to("empty.example", ""), to("never.example", ""), table.Routes()[1], table.Routes()[2])
	const unknown, never = "unknown_route", "no-cache, no-store"
	for host, want := range map[string][]any{
		"none.example:80":  {404, unknown, never, "404 Not Found: Requested route ('none.example:80') does not exist.\n"},
		"never.example":    {404, unknown, never, "404 Not Found: Requested route ('never.example') does not exist.\n"},
		"only.example":     {404, unknown, never, "404 Not Found: Requested route ('only.example') does not exist.\n"},
		"empty.example:80": {503, "no_endpoints", "public,max-age=2", "503 Service Unavailable: Requested route ('empty.example:80') has no available endpoints.\n"},
		"127.0.0.1:80":     {400, "empty_host", "public,max-age=2", "400 Bad Request: Request had empty Host header\n"},
		"down.example": {
			502, "endpoint_failure (dial tcp " + dead + ": connect: connection refused)", "",
			"502 Bad Gateway: Registered endpoint failed to handle the request.\n",
		},
	} {
		got := get(t, url, host)
		equal(t, []any{got.StatusCode, got.Header.Get("X-Cf-Routererror"), got.Header.Get("Cache-Control"), got.body}, want)
		equal(t, got.Header.Get("Content-Type")+got.Header.Get("X-Content-Type-Options"), "text/plain; charset=utf-8nosniff")
		equal(t, got.Header.Values("X-Vcap-Request-Id"), []string{})
	}
}

func TestEmptiedRouteIsUnknownAfterAWhile(t *testing.T) {
	url, table := routing(t, to("a.example", "", app(t, "root")), to("a.example", "/deep", app(t, "deep")))
	began := time.Now()
	at := func(after time.Duration) { table.now = func() time.Time { return began.Add(after) } }
	at(0)
	for range 3 { // a swap of other routes does not begin the time again
		swap(t, table, table.Routes()[0], to("a.example", "/deep"))
		equal(t, get(t, url+"/deep", "a.example").StatusCode, 503)
		at(9 * time.Second)
	}
	at(10 * time.Second)
	equal(t, get(t, url+"/deep", "a.example").body, "root")
	swap(t, table, to("a.example", ""), to("a.example", "/deep"))
	at(20 * time.Second)
	equal(t, get(t, url+"/deep", "a.example").StatusCode, 404)
}

func TestAppSeesTheRequestAndWhereItCameFrom(t *testing.T) {
	seen := make(chan *http.Request, 2)
	url, _ := routing(t, to("a.example", "", instance(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })))
	got := get(t, url+"/a%2Fb/../c?x=1;y=%zz", "A.example:99", "X-Forwarded-For", "1.2.3.4", "X-Vcap-Request-Id", "forged")
	request := <-seen
	equal(t, request.RequestURI, "/a%2Fb/../c?x=1;y=%zz")
	equal(t, request.Host, "A.example:99")
	equal(t, request.Header.Get("X-Forwarded-For"), "1.2.3.4, 127.0.0.1")
	equal(t, request.Header.Get("X-Forwarded-Proto"), "http")
	equal(t, request.Header.Values("X-Forwarded-Host"), []string{})
	start, err := strconv.ParseInt(request.Header.Get("X-Request-Start"), 10, 64)
	if since := time.Since(time.UnixMilli(start)); err != nil || since < 0 || since > time.Minute {
		t.Errorf("X-Request-Start is %v ago: %v", since, err)
	}
	id := request.Header.Get("X-Vcap-Request-Id")
	equal(t, len(id), 36)
	equal(t, got.Header.Values("X-Vcap-Request-Id"), []string{id})
	get(t, url, "a.example", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "outer", "X-Request-Start", "then")
	request = <-seen
	equal(t, request.Header.Get("X-Forwarded-Proto")+request.Header.Get("X-Forwarded-Host"), "httpsouter")
	equal(t, request.Header.Get("X-Request-Start"), "then")
}

func TestAppsOwnRequestIDIsKept(t *testing.T) {
	url, _ := routing(t, to("a.example", "", instance(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Vcap-Request-Id", "the app's own")
	})))
	equal(t, get(t, url, "a.example").Header.Values("X-Vcap-Request-Id"), []string{"the app's own"})
}

func TestStreamArrivesAsItIsWritten(t *testing.T) {
	more := make(chan struct{})
	url, _ := routing(t, to("a.example", "", instance(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprintln(w, "second")
	})))
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
	url, _ := routing(t, to("a.example", "", refusing(t), instance(t, func(w http.ResponseWriter, r *http.Request) {
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		line, _ := buffered.ReadString('\n')
		fmt.Fprint(connection, strings.ToUpper(line))
	})))
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
	url, table := routing(t, to("a.example", "", one))
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
		swap(t, table, to("a.example", "", []string{one, two}[number%2]), to(fmt.Sprint("b", number), ""))
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
	url, _ := routing(t, to("a.example", "", server.Listener.Addr().String()))
	get(t, url, "a.example")
	get(t, url, "a.example")
	equal(t, connections.Load(), 2)
}
