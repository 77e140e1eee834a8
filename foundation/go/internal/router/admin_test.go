package router

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTableIsTakenWholeOrNotAtAll(t *testing.T) {
	server := httptest.NewServer(NewAdmin(NewTable()))
	defer server.Close()
	put := func(body string) answer {
		return ask(t, http.MethodPut, server.URL+"/table", "", strings.NewReader(body))
	}
	equal(t, get(t, server.URL+"/table", "").body, `{"routes":[]}`+"\n")
	table := `{"routes":[{"host":"b.example","path":"/p","backends":["10.0.0.1:8080"]},{"host":"a","path":"","backends":[]}]}`
	equal(t, put(table).StatusCode, 204)
	for body, says := range map[string]string{
		`{`:                                    "cannot be read",
		`{"route":[]}`:                         "cannot be read",
		`{}`:                                   `has no "routes"`,
		`{"routes":null}`:                      `has no "routes"`,
		`{"routes":[{"host":""}]}`:             "is no host name",
		`{"routes":[{"host":"a/b"}]}`:          "is no host name",
		`{"routes":[{"host":"a","path":"b"}]}`: `"b" of a does not start with a slash`,
		`{"routes":[{"host":"c"},{"host":"a","backends":["nowhere"]}]}`: `"nowhere" of a is no ip:port`,
	} {
		got := put(body)
		if got.StatusCode != 400 || !strings.Contains(got.body, says) {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.body)
		}
	}
	equal(t, get(t, server.URL+"/table", "").body, table+"\n")
	equal(t, get(t, server.URL+"/other", "").StatusCode, 404)
}
