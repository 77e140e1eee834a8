package router

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// logging starts a router whose access lines can be looked at.
func logging(t *testing.T, accesses *Accesses, routes ...Route) (string, *Table) {
	t.Helper()
	table := NewTable()
	swap(t, table, routes...)
	server := httptest.NewServer(NewProxy(table, accesses))
	t.Cleanup(server.Close)
	return server.URL, table
}

// lines waits for so many: a line is kept after its request was answered.
func lines(t *testing.T, accesses *Accesses, count int) []Access {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		found, more := accesses.after("", 0)
		if len(found) >= count {
			return found
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("%d lines, not %d", len(found), count)
		}
	}
}

// example is a route to one instance with facts, at an address.
func example(address string) Route {
	return Route{"a.example", "", []Backend{{address, "APP", "PROCESS", "web", 1, "INSTANCE"}}}
}

func TestAccessLineIsGoroutersOwn(t *testing.T) {
	accesses := NewAccesses()
	url, _ := logging(t, accesses, example(instance(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Seen", r.Header.Get("X-Vcap-Request-Id"))
		w.WriteHeader(201)
		fmt.Fprint(w, "answer")
		time.Sleep(20 * time.Millisecond)
	})))
	got := ask(
		t, http.MethodPut, url+"/a%2Fb?x=\"1\"", "A.example:80", strings.NewReader("body"),
		"Referer", "http://r/", "User-Agent", `a "quoted" agent`, "X-Forwarded-For", "1.2.3.4",
	)
	backend := regexp.MustCompile(`"127\.0\.0\.1:\d+"`)
	wanted := regexp.MustCompile(`^A\.example:80 - \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z\] "PUT /a%2Fb\?x=\\"1\\" HTTP/1\.1" 201 4 6 ` +
		`"http://r/" "a \\"quoted\\" agent" ` + backend.String() + " " + backend.String() +
		` x_forwarded_for:"1\.2\.3\.4, 127\.0\.0\.1" x_forwarded_proto:"http" vcap_request_id:"` + got.Header.Get("X-Seen") +
		`" response_time:0\.(0[2-9]|[1-9])\d{4,5} gorouter_time:0\.0[01]\d{4} app_id:"APP" app_index:"1" instance_id:"INSTANCE" x_cf_routererror:"-"$`)
	access := lines(t, accesses, 1)[0]
	if !wanted.MatchString(access.Line) || access.App != "APP" || time.Since(time.Unix(0, access.Time)) > time.Minute {
		t.Errorf("%+v\n%s", access, wanted)
	}
}

func TestAccessLineShowsWhatIsMissingAsADash(t *testing.T) {
	accesses := NewAccesses()
	url, _ := logging(t, accesses, example(refusing(t)))
	get(t, url, "a.example", "User-Agent", "")
	line := lines(t, accesses, 1)[0].Line
	for _, part := range []string{`"GET / HTTP/1.1" 502 0 67 "-" "-" "`, `x_cf_routererror:"endpoint_failure (dial tcp 127.0.0.1:`} {
		if !strings.Contains(line, part) {
			t.Errorf("%s\nhas not %s", line, part)
		}
	}
}

func TestAccessLineHasTheTimeInUTC(t *testing.T) {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	received := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("east", 3600))
	text := line(access{request: request, exchange: &exchange{headers: http.Header{}}, received: received})
	equal(t, strings.Contains(text, "[2026-01-02T02:04:05.000000006Z]"), true)
}

func TestNoContentTypeIsGuessed(t *testing.T) {
	url := "http://" + instance(t, func(w http.ResponseWriter, _ *http.Request) {
		answer := &countedAnswer{ResponseWriter: w}
		answer.WriteHeader(200)
		fmt.Fprint(answer, "<html>")
	})
	equal(t, get(t, url, "").Header.Values("Content-Type"), []string{})
}

func TestRequestsWithoutAnInstanceHaveNoLine(t *testing.T) {
	accesses := NewAccesses()
	url, table := logging(t, accesses, to("empty.example", "", "127.0.0.1:1"), example(app(t, "x")))
	swap(t, table, to("empty.example", ""), table.Routes()[1])
	for _, host := range []string{"none.example", "empty.example", "127.0.0.1"} {
		get(t, url, host)
	}
	get(t, url+"/;", "a.example", "X-CF-App-Instance", "wrong")
	get(t, url+"/;", "a.example", "Connection", "Upgrade", "Upgrade", "\xff")
	get(t, url+"/;", "a.example")
	found := lines(t, accesses, 1)
	equal(t, len(found), 1)
	equal(t, strings.Contains(found[0].Line, `x_cf_routererror:"deprecated-semicolon-params"`), true)
}

func TestUpgradedConnectionHasItsLineWhenItEnds(t *testing.T) {
	accesses := NewAccesses()
	url, _ := logging(t, accesses, example(instance(t, func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			connection.Close()
		}
	})))
	request, _ := http.NewRequest(http.MethodGet, url, nil)
	request.Host = "a.example"
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "x")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	equal(t, strings.Contains(lines(t, accesses, 1)[0].Line, `HTTP/1.1" 101 0 0 `), true)
}

func TestLineThatIsTooLongIsCutAsGorouterCutsIt(t *testing.T) {
	accesses := NewAccesses()
	url, _ := logging(t, accesses, example(app(t, "x")))
	get(t, url, "a.example", "Referer", strings.Repeat("r", 5_000))
	get(t, url+"/"+strings.Repeat("p", 70_000), "a.example", "Referer", strings.Repeat("r", 1_200))
	found := lines(t, accesses, 2)
	equal(t, strings.Contains(found[0].Line, strings.Repeat("r", 5_000)), true)
	equal(t, strings.Contains(found[1].Line, ` "`+strings.Repeat("r", 600)+`...REFERER-TOO-LONG-TO-LOG--TRUNCATED" `), true)
	equal(t, strings.Contains(found[1].Line, `ppp...REQUEST-URI-TOO-LONG-TO-LOG--TRUNCATED`), true)
	equal(t, len(found[1].Line) < 25_000, true)
}

func TestOldestLinesAreLostWhereNobodyTakesThem(t *testing.T) {
	accesses := NewAccesses()
	for range mostLines + 7 {
		accesses.add("APP", "line")
	}
	found, _ := accesses.after(accesses.run, 0)
	equal(t, []int{len(accesses.kept), len(found), int(found[0].Seq), accesses.bytes}, []int{mostLines, oneAnswer, 8, 4 * mostLines})
	accesses.add("APP", strings.Repeat("x", mostBytes-8))
	found, _ = accesses.after("another run", 99)
	equal(t, []int{len(found), len(found[0].Line)}, []int{3, 4})
}

func TestLinesAreForgottenOnceTheyAreTaken(t *testing.T) {
	accesses := NewAccesses()
	for range 3 {
		accesses.add("APP", "line")
	}
	found, _ := accesses.after("another run", 2)
	equal(t, len(found), 3)
	found, _ = accesses.after(accesses.run, 2)
	equal(t, []any{len(found), found[0].Seq, len(accesses.kept), accesses.bytes}, []any{1, 3, 1, 4})
}
