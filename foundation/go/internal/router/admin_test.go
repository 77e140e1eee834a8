package router

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTableIsTakenWholeOrNotAtAll(t *testing.T) {
	server := httptest.NewServer(NewAdmin(NewTable(), NewAccesses()))
	defer server.Close()
	put := func(body string) answer {
		return ask(t, http.MethodPut, server.URL+"/table", "", strings.NewReader(body))
	}
	equal(t, get(t, server.URL+"/table", "").body, `{"routes":[]}`+"\n")
	fact := `{"address":"10.0.0.1:8080","app_guid":"A","process_guid":"P","process_type":"web","index":1,"instance_guid":"I"}`
	table := `{"routes":[{"host":"b.example","path":"/p","backends":[` + fact + `]},{"host":"a","path":"","backends":[]}]}`
	equal(t, put(table).StatusCode, 204)
	for body, says := range map[string]string{
		`{`:                                    "cannot be read",
		`{"route":[]}`:                         "cannot be read",
		`{}`:                                   `has no "routes"`,
		`{"routes":null}`:                      `has no "routes"`,
		`{"routes":[{"host":""}]}`:             "is no host name",
		`{"routes":[{"host":"a/b"}]}`:          "is no host name",
		`{"routes":[{"host":"a","path":"b"}]}`: `"b" of a does not start with a slash`,
		`{"routes":[{"host":"c"},{"host":"a","backends":[{"address":"nowhere"}]}]}`: `"nowhere" of a is no ip:port`,
	} {
		got := put(body)
		if got.StatusCode != 400 || !strings.Contains(got.body, says) {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.body)
		}
	}
	equal(t, get(t, server.URL+"/table", "").body, table+"\n")
	equal(t, get(t, server.URL+"/other", "").StatusCode, 404)
}

func TestAccessesWaitForALine(t *testing.T) {
	accesses := NewAccesses()
	server := httptest.NewServer(NewAdmin(NewTable(), accesses))
	defer server.Close()
	url := server.URL + "/accesses?after=0&run=" + accesses.run
	equal(t, get(t, url+"&wait=0", "").body, `{"accesses":[],"run":"`+accesses.run+`"}`+"\n")
	go func() {
		time.Sleep(50 * time.Millisecond)
		accesses.add("APP", "text")
	}()
	began := time.Now()
	got := get(t, url+"&wait=30", "").body
	equal(t, time.Since(began) < 15*time.Second, true)
	equal(t, strings.Contains(got, `,"app_guid":"APP","line":"text"}]`) && strings.HasPrefix(got, `{"accesses":[{"seq":1,"time":`), true)
	for _, query := range []string{"", "?after=x&wait=0", "?after=0&wait=61", "?after=0&wait=-1", "?after=-1&wait=1"} {
		equal(t, get(t, server.URL+"/accesses"+query, "").StatusCode, 400)
	}
}
