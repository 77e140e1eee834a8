package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", name)
	if err != nil {
		panic(err)
	}
	program = filepath.Join(folder, name)
	build := exec.Command("go", "build", "-ldflags", "-X main.version=1.2.3", "-o", program, ".")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s", output)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// result runs the program to its end.
func result(t *testing.T, environment []string, arguments ...string) (string, string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = environment
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Run()
	return stdout.String(), stderr.String(), command.ProcessState.ExitCode()
}

// start runs the program on a free port until the test ends, and returns its first line.
func start(t *testing.T) (*exec.Cmd, string, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	command := exec.Command(program)
	command.Env = []string{portVariable + "=" + port}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	lines := bufio.NewReader(output)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, lines)
	return command, "http://" + address, line
}

func TestConfig_asked_answersTheStory(t *testing.T) {
	_, base, line := start(t)
	if want := "config-server 1.2.3 listens on 127.0.0.1:"; !strings.HasPrefix(line, want) {
		t.Errorf("start line %q does not begin with %q", line, want)
	}
	answer, err := http.Get(base + "/config/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body map[string]string
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"Scope": "some-service.admin", "Password": "not-a-real-p4$$w0rd"}
	if answer.StatusCode != 200 || fmt.Sprint(body) != fmt.Sprint(want) {
		t.Errorf("got %d %v, want 200 %v", answer.StatusCode, body, want)
	}
}

func TestPaths_otherThanTheTwo_areRefused(t *testing.T) {
	_, base, _ := start(t)
	for request, want := range map[string]int{
		"GET /healthz": 200, "GET /config/other": 404, "GET /": 404, "POST /config/": 405, "DELETE /healthz": 405,
	} {
		method, path, _ := strings.Cut(request, " ")
		asked, _ := http.NewRequest(method, base+path, nil)
		answer, err := http.DefaultClient.Do(asked)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: got %d, want %d", request, answer.StatusCode, want)
		}
	}
}

func TestPort_unusable_endsWithOneAndSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for value, want := range map[string]string{
		"":      "Error: missing $CONFIG_SERVER_PORT\n",
		"0":     "is \"0\", which is no port number",
		"70000": "is \"70000\", which is no port number",
		"http":  "is \"http\", which is no port number",
		port:    "port " + port + " ($CONFIG_SERVER_PORT) is taken",
	} {
		stdout, stderr, code := result(t, []string{portVariable + "=" + value})
		if code != 1 || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("port %q: got exit %d, stdout %q, stderr %q, want 1 and %q", value, code, stdout, stderr, want)
		}
	}
}

func TestArguments_versionAndUnknown(t *testing.T) {
	if stdout, _, code := result(t, nil, "--version"); code != 0 || stdout != "config-server 1.2.3\n" {
		t.Errorf("--version: got %d %q", code, stdout)
	}
	if _, stderr, code := result(t, nil, "--port"); code != 2 || !strings.Contains(stderr, `"--port"`) {
		t.Errorf("--port: got %d %q", code, stderr)
	}
}

func TestServe_endsWithOpenRequest_finishesItFirst(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	begun, goOn := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		io.WriteString(w, "finished")
	})
	ended, answered := make(chan error, 1), make(chan string, 1)
	go func() { ended <- serve(ctx, listener, slow, log.New(io.Discard, "", 0)) }()
	go func() { answered <- get("http://" + listener.Addr().String()) }()
	<-begun
	end()
	select {
	case err := <-ended:
		t.Fatal("it ended before the open request:", err)
	case <-time.After(200 * time.Millisecond):
	}
	close(goOn)
	if body := <-answered; body != "finished" {
		t.Errorf("the open request got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v, want a clean end", err)
	}
}

func get(url string) string {
	answer, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

func TestTerm_endsWithZero(t *testing.T) {
	command, _, _ := start(t)
	command.Process.Signal(syscall.SIGTERM)
	if err := command.Wait(); err != nil {
		t.Errorf("SIGTERM: %v, want exit 0", err)
	}
}

func TestServe_slowHeaders_areCutOff(t *testing.T) {
	usual := headerTime
	headerTime = 100 * time.Millisecond
	t.Cleanup(func() { headerTime = usual })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	logger := log.New(io.Discard, "", 0)
	go func() { ended <- serve(ctx, listener, handler(logger), logger) }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "GET /config/ HTTP/1.1\r\n")
	connection.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadAll(connection); err != nil {
		t.Errorf("a client that sends no headers was not cut off: %v", err)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
