package router

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
	store := instance(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %v", r.Method, r.RequestURI, body, r.Header)
	})
	front, err := NewFront("http://"+store, "/bucket/")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFrontPassesNothingButPlainReads(t *testing.T) {
	url := fronted(t)
	got := ask(
		t, http.MethodGet, url+"/bucket/a%20b/c+d?uploads&X-Amz-Signature=x", "", strings.NewReader("a body"),
		"Authorization", "secret", "Cookie", "c", "X-Amz-Acl", "public-read-write", "X-Http-Method-Override", "DELETE",
		"Upgrade", "websocket", "Connection", "Upgrade", "Range", "bytes=0-9", "If-None-Match", "e", "User-Agent", "curl",
	)
	equal(t, got.body, `GET /bucket/a%20b/c+d "" map[If-None-Match:[e] Range:[bytes=0-9] User-Agent:[curl]]`)
	equal(t, ask(t, http.MethodHead, url+"/bucket/a", "", nil).StatusCode, 200)
}

func TestFrontRefusesOtherMethods(t *testing.T) {
	url := fronted(t)
	for _, method := range []string{"PUT", "POST", "DELETE", "PATCH", "OPTIONS", "COPY", "get"} {
		got := ask(t, method, url+"/bucket/a", "", nil)
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
	front, err := NewFront("http://"+refusing(t), "/bucket/")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(front)
	defer server.Close()
	equal(t, get(t, server.URL+"/bucket/a", "").StatusCode, 502)
}

func TestFrontNeedsAURLAndAPrefixBetweenSlashes(t *testing.T) {
	for _, pair := range [][]string{{"localhost:80", "/b/"}, {"ftp://h", "/b/"}, {"http://h", "b/"}, {"http://h", "/b"}, {"http://h", ""}} {
		if _, err := NewFront(pair[0], pair[1]); err == nil {
			t.Errorf("%q was taken", pair)
		}
	}
}
