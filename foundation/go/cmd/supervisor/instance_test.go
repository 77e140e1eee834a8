package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"foundation/internal/supervisor"
)

const (
	asSupervisor = "TEST_AS_SUPERVISOR"
	nobody       = 65534
	patience     = 30 * time.Second // before a test that hangs is ended
)

func TestMain(m *testing.M) {
	if os.Getenv(asSupervisor) != "" {
		os.Unsetenv(asSupervisor)
		inheritOrphans()
		main()
	}
	os.Exit(m.Run())
}

// inheritOrphans gives the supervisor the orphans, as PID 1 has them, without a namespace of its own.
func inheritOrphans() {
	const prSetChildSubreaper = 36
	if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); failed != 0 {
		panic(failed)
	}
}

type record struct {
	Time         int64
	Source       string
	Stream, Text string
	Event        string
	PID          int
	Status       *int
	Killed, OOM  bool
	Reason       string
}

// running is a supervisor that was started, and what it has said so far.
type running struct {
	*testing.T
	command *exec.Cmd
	output  *bufio.Scanner
	said    []record
	stderr  strings.Builder
}

// shell describes a process that bash runs.
func shell(source, script string, env ...string) supervisor.Process {
	process := supervisor.Process{
		Source: source, Argv: []string{"/bin/bash", "-c", script},
		Env: map[string]string{"PATH": os.Getenv("PATH")},
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		process.Env[name] = value
	}
	return process
}

// supervise starts a supervisor of processes that belong to nobody where we are root, else to us.
func supervise(t *testing.T, grace float64, processes ...supervisor.Process) *running {
	t.Helper()
	return begin(t, supervisor.Instance{GraceSeconds: grace, Ports: []int{8080, 8082}, Processes: processes})
}

// begin starts a supervisor of an instance.
func begin(t *testing.T, instance supervisor.Instance) *running {
	t.Helper()
	t.Parallel()
	instance.UID, instance.GID, instance.Dir = nobody, nobody, "/"
	raw, err := json.Marshal(instance)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "instance.json")
	if err := os.WriteFile(path, raw, 0o400); err != nil {
		t.Fatal(err)
	}
	r := &running{T: t, command: exec.Command(os.Args[0], path)}
	r.command.Env = []string{asSupervisor + "=1", "MUST_NOT_BE_INHERITED=1"}
	r.command.Stderr = &r.stderr
	stdout, err := r.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.output = bufio.NewScanner(stdout)
	r.output.Buffer(nil, 1<<20)
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(patience, func() { r.command.Process.Kill() })
	t.Cleanup(func() {
		hung.Stop()
		r.command.Process.Kill()
		r.command.Wait()
	})
	return r
}

// next returns the next record that the supervisor writes.
func (r *running) next() (record, bool) {
	r.Helper()
	if !r.output.Scan() {
		return record{}, false
	}
	if strings.ContainsFunc(r.output.Text(), func(char rune) bool { return char > 126 }) {
		r.Fatalf("not ASCII alone: %q", r.output.Text())
	}
	var one record
	if err := json.Unmarshal(r.output.Bytes(), &one); err != nil || one.Time == 0 {
		r.Fatalf("%v in %q", err, r.output.Text())
	}
	r.said = append(r.said, one)
	return one, true
}

// waitFor reads until something is said.
func (r *running) waitFor(text string) {
	r.Helper()
	for {
		one, more := r.next()
		if !more {
			r.Fatalf("%q was never said, but\n%+v\n%s", text, r.said, &r.stderr)
		}
		if one.Text == text {
			return
		}
	}
}

// end reads all that is left and returns the exit code; nothing may come behind the event `ended`.
func (r *running) end() int {
	r.Helper()
	for {
		if _, more := r.next(); !more {
			break
		}
	}
	r.command.Wait()
	if count := len(r.said); count == 0 || r.said[count-1].Event != "ended" {
		r.Fatalf("the last line is no end: %+v\n%s", r.said, &r.stderr)
	}
	return r.command.ProcessState.ExitCode()
}

func (r *running) stop() { r.command.Process.Signal(syscall.SIGTERM) }

// texts returns the lines of a source and stream.
func (r *running) texts(source, stream string) []string {
	var found []string
	for _, one := range r.said {
		if one.Source == source && one.Stream == stream {
			found = append(found, one.Text)
		}
	}
	return found
}

// exit returns how a process exited.
func (r *running) exit(source string) record {
	r.Helper()
	for _, one := range r.said {
		if one.Event == "exited" && one.Source == source {
			return one
		}
	}
	r.Fatalf("%s never exited: %+v", source, r.said)
	return record{}
}

func (r *running) status(source string) int {
	r.Helper()
	return *r.exit(source).Status
}

// reason returns why the instance ended, as the last line says it.
func (r *running) reason() string { return r.said[len(r.said)-1].Reason }

func (r *running) pid(source string) int {
	for _, one := range r.said {
		if one.Event == "started" && one.Source == source {
			return one.PID
		}
	}
	r.Fatalf("%s was not started", source)
	return 0
}
