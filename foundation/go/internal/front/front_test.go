package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fronted starts a store and a front before it; the store tells what it was asked.
func fronted(t *testing.T) string {
	t.Helper()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %v", r.Method, r.RequestURI, body, r.Header)
	}))
	t.Cleanup(store.Close)
	return before(t, store)
}

// before starts a front before a store; it returns the front's URL.
func before(t *testing.T, store *httptest.Server) string {
	t.Helper()
	front, err := New(store.URL, "/bucket/")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	return server.URL
}

type answer struct {
	*http.Response
	body string
}

func ask(t *testing.T, method, url string, body io.Reader, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
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

func equal(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFrontPassesNothingButPlainReads(t *testing.T) {
	url := fronted(t)
	got := ask(
		t, http.MethodGet, url+"/bucket/a%20b/c+d?uploads&X-Amz-Signature=x", strings.NewReader("a body"),
		"Authorization", "secret", "Cookie", "c", "X-Amz-Acl", "public-read-write", "X-Http-Method-Override", "DELETE",
		"Upgrade", "websocket", "Connection", "Upgrade", "Range", "bytes=0-9", "If-None-Match", "e", "User-Agent", "curl",
	)
	equal(t, got.body, `GET /bucket/a%20b/c+d "" map[If-None-Match:[e] Range:[bytes=0-9] User-Agent:[curl]]`)
	equal(t, ask(t, http.MethodHead, url+"/bucket/a", nil).StatusCode, 200)
}

func TestFrontRefusesOtherMethods(t *testing.T) {
	url := fronted(t)
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH", "OPTIONS", "COPY", "get"} {
		got := ask(t, method, url+"/bucket/a", nil)
		equal(t, method+fmt.Sprint(got.StatusCode)+got.Header.Get("Allow"), method+"405GET, HEAD")
	}
}

func TestFrontRefusesOtherPaths(t *testing.T) {
	address := strings.TrimPrefix(fronted(t), "http://")
	for _, path := range []string{
		"/", "/bucket", "/bucket/", "/bucketeer/a", "/other/a", "/bucket/../other/a", "/bucket/%2e%2e/other/a", "/bucket/..%2fother",
		"/bucket/a/..%2F..%2F..%2Fother", "//bucket/a", "/bucket//a", "/bucket/./a", "/bucket/a/", "/bucket/%2E%2E", "/%2e/bucket/a",
		"/bucket/..", "*",
	} {
		equal(t, path+fmt.Sprint(rawGet(t, address, path)), path+"404")
	}
}

// rawGet asks for a path exactly as it is written, which no client library does.
func rawGet(t *testing.T, address, path string) int {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestFrontTellsThatTheStoreIsDown(t *testing.T) {
	store := httptest.NewServer(nil)
	store.Close()
	equal(t, ask(t, http.MethodGet, before(t, store)+"/bucket/a", nil).StatusCode, 502)
}

func TestFrontNeedsAURLAndAPrefixBetweenSlashes(t *testing.T) {
	for _, pair := range [][]string{{"localhost:80", "/b/"}, {"ftp://h", "/b/"}, {"http://h", "b/"}, {"http://h", "/b"}, {"http://h", ""}} {
		if _, err := New(pair[0], pair[1]); err == nil {
			t.Errorf("%q was taken", pair)
		}
	}
}
