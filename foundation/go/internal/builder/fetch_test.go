package builder

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fetched downloads a zip from a server that fails some times first; it returns the requests made and the error.
func fetched(t *testing.T, failures int64) (int64, error) {
	t.Helper()
	var archive bytes.Buffer
	if err := zip.NewWriter(&archive).Close(); err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) <= failures {
			http.Error(w, "a longer body than the archive has, so that what is left of it would show", http.StatusNotFound)
			return
		}
		w.Write(archive.Bytes())
	}))
	defer server.Close()
	source, err := url.Parse(strings.Replace(server.URL, "http://", "http://user:secret@", 1) + "/b.zip")
	if err != nil {
		t.Fatal(err)
	}
	err = (&stage{}).fetchZip(source, t.TempDir())
	return requests.Load(), err
}

func TestDownloadIsTriedAgainThenFailsWithoutThePassword(t *testing.T) {
	before := pauses
	defer func() { pauses = before }()
	pauses = make([]time.Duration, len(before))
	if requests, err := fetched(t, 2); err != nil || requests != 3 {
		t.Errorf("%v after %d requests", err, requests)
	}
	requests, err := fetched(t, 100)
	if err == nil || requests != 4 {
		t.Fatalf("%v after %d requests", err, requests)
	}
	if text := err.Error(); !strings.Contains(text, "404 Not Found") || strings.Contains(text, "secret") {
		t.Errorf("the error is %q", text)
	}
	if ExitCode(err) != 1 {
		t.Errorf("exit code %d", ExitCode(err))
	}
}

func TestByteSizeShowsOneDecimalWhereItSaysSomething(t *testing.T) {
	for size, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1K", 1536: "1.5K", 9_811_736: "9.4M", 3 << 30: "3G"} {
		if got := byteSize(size); got != want {
			t.Errorf("%d is shown as %s, not %s", size, got, want)
		}
	}
}
