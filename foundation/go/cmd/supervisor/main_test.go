package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"foundation/internal/supervisor"
)

const (
	web  = "APP/PROC/WEB"
	side = "APP/PROC/WEB/SIDECAR/CONFIG-SERVER"
)

func equal(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestEachProcessIsTaggedAndItsExitComesLast(t *testing.T) {
	r := supervise(t, 10, shell(web, "echo out; echo err >&2; printf 'no newline'; exit 3"))
	equal(t, r.end(), 1)
	equal(t, r.texts(web, "OUT"), []string{"out", "no newline", "Exit status 3"})
	equal(t, r.texts(web, "ERR"), []string{"err"})
	var last []string
	for _, one := range r.said[len(r.said)-3:] {
		last = append(last, one.Event+one.Text)
	}
	equal(t, last, []string{"Exit status 3", "exited", "ended"})
	equal(t, r.status(web), 3)
	equal(t, r.reason(), "APP/PROC/WEB: Exited with status 3")
}

func TestTrap11ExitWithZeroEndsTheOthersWithTerm(t *testing.T) {
	r := supervise(
		t, 10, shell(web, `trap 'echo asked; exit 5' TERM; echo ready >&2; while :; do read -t 1 <> <(:); done`),
		shell(side, "sleep 0.3"),
	)
	equal(t, r.end(), 1)
	equal(t, r.reason(), "Codependent step exited")
	equal(t, r.status(web), 5)
	equal(t, r.texts(web, "OUT"), []string{"asked", "Exit status 5"})
}

func TestStopSignalsAllAndExitsZero(t *testing.T) {
	r := supervise(t, 10, shell(web, "echo ready; exec sleep 1000"), shell(side, "echo ready; exec sleep 1000"))
	r.waitFor("ready")
	r.waitFor("ready")
	r.stop()
	equal(t, r.end(), 0)
	equal(t, []int{r.status(web), r.status(side)}, []int{143, 143})
	equal(t, r.reason(), "")
}

func TestTrap17ProcessThatIgnoresTermIsKilledAfterTheGraceTime(t *testing.T) {
	r := supervise(t, 0.5, shell(web, "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
	r.waitFor("ready")
	asked := time.Now()
	r.stop()
	equal(t, r.end(), 0)
	equal(t, r.status(web), 137)
	equal(t, r.exit(web).Killed, true)
	equal(t, r.texts(web, "OUT")[1:], []string{"Exit status 137 (exceeded 500ms graceful shutdown interval)"})
	if waited := time.Since(asked); waited < 500*time.Millisecond {
		t.Errorf("it was killed after %v", waited)
	}
}

func TestTheReasonComesWhenAllHaveEndedAndNamesTheFirstAlone(t *testing.T) {
	stubborn := "trap '' TERM; echo ready; while :; do sleep 0.1; done"
	r := supervise(t, 0.5, shell(web, "sleep 0.3; exit 3"), shell(side, stubborn))
	equal(t, r.end(), 1)
	equal(t, r.reason(), "APP/PROC/WEB: Exited with status 3")
	equal(t, []bool{r.exit(web).Killed, r.exit(side).Killed}, []bool{false, true})
}

func TestOrphanThatKeepsTheOutputOpenHoldsUpNothing(t *testing.T) {
	r := supervise(t, 0.5, shell(web, "(trap '' TERM; sleep 1000) & echo $!; echo last; kill -9 $$"))
	defer func() { killed(t, r.texts(web, "OUT")[0]) }()
	equal(t, r.end(), 1)
	equal(t, r.texts(web, "OUT")[1:], []string{"last", "Exit status 137"})
}

// killed ends an orphan, which PID 1 of a container would take with it.
func killed(t *testing.T, pid string) {
	t.Helper()
	var number int
	if _, err := fmt.Sscan(pid, &number); err != nil {
		t.Fatal(err)
	}
	if process, err := os.FindProcess(number); err == nil {
		process.Kill()
	}
}

func TestOrphansAreWaitedFor(t *testing.T) {
	r := supervise(t, 10, shell(web, "for i in 1 2 3 4 5; do (sleep 0.1 & exec true); done; echo ready; exec sleep 1000"))
	r.waitFor("ready")
	var left []string
	for range 100 {
		left = childrenOf(t, r.command.Process.Pid)
		if len(left) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	equal(t, left, []string{fmt.Sprint(r.pid(web))})
	r.stop()
	equal(t, r.end(), 0)
}

// childrenOf returns the numbers of a process's children, zombies among them, from all its threads.
func childrenOf(t *testing.T, pid int) []string {
	t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, thread := range threads {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		found = append(found, strings.Fields(string(raw))...)
	}
	return found
}

func TestProcessThatCannotBeStartedEndsTheInstance(t *testing.T) {
	missing := supervisor.Process{Source: side, Argv: []string{"/no/such/program"}}
	r := supervise(t, 10, shell(web, "exec sleep 1000"), missing)
	equal(t, r.end(), 1)
	equal(t, r.reason(), side+": Exited with status 127")
	equal(t, r.status(web), 143)
	if said := r.texts(side, "ERR"); len(said) != 1 || !strings.Contains(said[0], "/no/such/program: no such file") {
		t.Errorf("it says %q", said)
	}
}

func TestProcessWithoutCommandEndsTheInstance(t *testing.T) {
	r := supervise(t, 10, supervisor.Process{Source: web})
	equal(t, r.end(), 1)
	equal(t, r.status(web), 127)
}

func TestEverythingWrittenBeforeTheExitComesBeforeIt(t *testing.T) {
	r := supervise(t, 10, shell(web, "(sleep 1000) & echo $!; seq 1 20000; kill -9 $$"))
	defer func() { killed(t, r.texts(web, "OUT")[0]) }()
	equal(t, r.end(), 1)
	said := r.texts(web, "OUT")
	equal(t, len(said), 20002)
	equal(t, said[20000:], []string{"20000", "Exit status 137"})
}

func TestLinesAreCutAsThePlatformCutsThem(t *testing.T) {
	r := supervise(t, 10, shell(web, `printf 'a\r\n\n\nb\rc\n\xff\n'; printf 'é%.0s' $(seq 40000)`))
	r.end()
	said := r.texts(web, "OUT")
	equal(t, said[:4], []string{"a", "b", "c", "\uFFFD"})
	equal(t, []int{len(said[4]), len(said[5])}, []int{61440, 80000 - 61440})
	equal(t, said[4]+said[5], strings.Repeat("é", 40000))
}

func TestEnvironmentIsTheGivenOneAndTheContainersAddress(t *testing.T) {
	r := supervise(
		t, 10, shell(web, "env", "PORT=8080", "A=1", "CF_INSTANCE_IP=mine", "USER=other"),
		supervisor.Process{Source: side, Argv: []string{"/bin/bash", "-c", "env; exec sleep 1000"}},
	)
	r.end()
	given := r.texts(web, "OUT")
	address := valueOf(given, "CF_INSTANCE_IP")
	for name, want := range map[string]string{
		"A": "1", "USER": "other", "CF_INSTANCE_INTERNAL_IP": address, "CF_INSTANCE_PORT": "8080",
		"CF_INSTANCE_ADDR":      address + ":8080",
		"CF_INSTANCE_PORTS":     `[{"external":8080,"internal":8080},{"external":8082,"internal":8082}]`,
		"MUST_NOT_BE_INHERITED": "absent",
	} {
		equal(t, name+"="+valueOf(given, name), name+"="+want)
	}
	if strings.HasPrefix(address, "127.") || address == "mine" {
		t.Errorf("CF_INSTANCE_IP is %q", address)
	}
}

func TestEnvironmentWithoutPortsOrUserHasThePlatformsDefaults(t *testing.T) {
	process := supervisor.Process{
		Source: side, Argv: []string{"/bin/bash", "-c", "env"}, Env: map[string]string{"PORT": "8080"},
	}
	r := begin(t, supervisor.Instance{Processes: []supervisor.Process{process}})
	r.end()
	given := r.texts(side, "OUT")
	for name, want := range map[string]string{
		"PORT": "8080", "CF_INSTANCE_PORT": "", "CF_INSTANCE_ADDR": "", "CF_INSTANCE_PORTS": "[]", "USER": "vcap",
		"PATH": "/usr/local/bin:/usr/bin:/bin",
	} {
		equal(t, name+"="+valueOf(given, name), name+"="+want)
	}
}

func valueOf(pairs []string, name string) string {
	for _, pair := range pairs {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return "absent"
}

func TestStandardStreamsCanBeOpenedByName(t *testing.T) {
	r := supervise(t, 10, shell(web, "echo out >/dev/stdout; echo err >/dev/stderr; id -u"))
	r.end()
	user := os.Getuid()
	if user == 0 {
		user = nobody
	}
	equal(t, r.texts(web, "OUT"), []string{"out", fmt.Sprint(user), "Exit status 0"})
	equal(t, r.texts(web, "ERR"), []string{"err"})
}

func TestSignalToTheOwnGroupReachesNoSibling(t *testing.T) {
	r := supervise(
		t, 10, shell(web, "trap 'echo asked; exit' TERM; echo ready; while :; do read -t 1 <> <(:); done"),
		shell(side, "trap '' TERM; sleep 0.3; kill -TERM 0; sleep 0.3; exit 4"),
	)
	r.end()
	asked := slices.IndexFunc(r.said, func(one record) bool { return one.Text == "asked" })
	exited := slices.IndexFunc(r.said, func(one record) bool { return one.Event == "exited" && one.Source == side })
	if asked < exited || exited < 0 {
		t.Errorf("the sibling got the signal: %+v", r.said)
	}
}

func TestDescriptionIsRemovedOnceItIsRead(t *testing.T) {
	r := supervise(t, 10, shell(web, "true"))
	r.end()
	if _, err := os.Stat(r.command.Args[1]); !os.IsNotExist(err) {
		t.Errorf("the description is still there: %v", err)
	}
}

func TestDescriptionThatCannotBeReadExitsTwo(t *testing.T) {
	r := supervise(t, 10)
	for {
		if _, more := r.next(); !more {
			break
		}
	}
	r.command.Wait()
	equal(t, r.command.ProcessState.ExitCode(), 2)
	equal(t, strings.Contains(r.stderr.String(), "names no processes"), true)
}
