package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	asRouter = "TEST_AS_ROUTER"
	patience = 30 * time.Second // before a test that hangs is ended
)

func TestMain(m *testing.M) {
	if os.Getenv(asRouter) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// started starts a router, waits for its line, and returns it and its address.
func started(t *testing.T, arguments ...string) (*exec.Cmd, string) {
	t.Helper()
	command := program(arguments...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(patience, func() { command.Process.Kill() })
	t.Cleanup(func() {
		hung.Stop()
		command.Process.Kill()
		command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !found {
		t.Fatalf("it says %q: %v", line, err)
	}
	return command, address
}

func program(arguments ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], arguments...)
	command.Env = []string{asRouter + "=1"}
	return command
}

// refused runs a router that cannot serve and returns what it says on stderr.
func refused(t *testing.T, arguments ...string) string {
	t.Helper()
	command := program(arguments...)
	said, err := command.CombinedOutput()
	if err == nil || command.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, said)
	}
	return string(said)
}

func put(t *testing.T, socket, body string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	request, err := http.NewRequest(http.MethodPut, "http://router/table", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestServeTakesItsTableAndDrainsOnTerm(t *testing.T) {
	asked, more := make(chan struct{}), make(chan struct{})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-more
		fmt.Fprint(w, "whole")
	}))
	defer app.Close()
	socket := filepath.Join(t.TempDir(), "router.sock")
	command, address := started(t, "serve", "-listen", "127.0.0.1:0", "-admin", socket)
	if about, err := os.Stat(socket); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", about, err)
	}
	table := fmt.Sprintf(`{"routes":[{"host":"localhost","path":"","backends":[{"address":"%s"}]}]}`, app.Listener.Addr())
	if status := put(t, socket, table); status != http.StatusNoContent {
		t.Fatalf("the table was answered %d", status)
	}
	answers := make(chan string, 1)
	go func() {
		request, _ := http.NewRequest(http.MethodGet, "http://"+address, nil)
		request.Host = "localhost"
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			answers <- err.Error()
			return
		}
		raw, _ := io.ReadAll(response.Body)
		response.Body.Close()
		answers <- string(raw)
	}()
	<-asked
	command.Process.Signal(syscall.SIGTERM)
	for {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			break // no new requests are taken, so the drain has begun
		}
		connection.Close()
	}
	close(more)
	if said := <-answers; said != "whole" {
		t.Errorf("the open request got %q", said)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left behind")
	}
}

func TestServeReplacesAStaleSocketAndNoLivingOne(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "router.sock")
	arguments := []string{"serve", "-listen", "127.0.0.1:0", "-admin", socket}
	first, _ := started(t, arguments...)
	if said := refused(t, arguments...); !strings.Contains(said, "another router listens on "+socket) {
		t.Errorf("it says %q", said)
	}
	first.Process.Kill()
	first.Wait()
	started(t, arguments...)
	if status := put(t, socket, `{"routes":[]}`); status != http.StatusNoContent {
		t.Errorf("the table was answered %d", status)
	}
}

func TestServeLeavesAFileInPlaceOfItsSocketAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := refused(t, "serve", "-listen", "127.0.0.1:0", "-admin", path); !strings.Contains(said, "is no socket") {
		t.Errorf("it says %q", said)
	}
}

func TestTakenPortIsAnErrorAndTouchesNoSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "router.sock")
	_, address := started(t, "serve", "-listen", "127.0.0.1:0", "-admin", socket)
	other := filepath.Join(t.TempDir(), "other.sock")
	for _, arguments := range [][]string{
		{"serve", "-listen", address, "-admin", other}, {"front", "-listen", address, "-upstream", "http://h", "-prefix", "/b/"},
	} {
		if said := refused(t, arguments...); !strings.Contains(said, "address already in use") {
			t.Errorf("it says %q", said)
		}
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("a socket was made")
	}
}

func TestFrontServesTheStore(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }))
	defer store.Close()
	command, address := started(t, "front", "-listen", "127.0.0.1:0", "-upstream", store.URL, "-prefix", "/b/")
	response, err := http.Get("http://" + address + "/b/key?x")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if string(raw) != "/b/key" {
		t.Errorf("got %q", raw)
	}
	command.Process.Signal(syscall.SIGTERM)
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWrongUsageExitsOne(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"other"}, {"serve"}, {"serve", "-listen", "127.0.0.1:0"}, {"serve", "-listen", "", "-admin", "x"},
		{"front", "-listen", "127.0.0.1:0", "-upstream", "http://h"}, {"serve", "-listen", "a", "-admin", "b", "more"},
		{"front", "-listen", "127.0.0.1:0", "-upstream", "h", "-prefix", "/b/"},
		{"serve", "-listen", "127.0.0.1:0", "-admin", "x", "-tls-listen", "127.0.0.1:0"},
	} {
		refused(t, arguments...)
	}
}
