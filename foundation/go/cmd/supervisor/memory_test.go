package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"foundation/internal/supervisor"
)

// cgroups are the files in which the kernel counts, without the place that they lie in; %d is the count.
var cgroups = map[string]string{
	"memory.events":             "low 0\nhigh 0\nmax 12\noom 1\noom_kill %d\noom_group_kill 0\n",
	"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill %d\n",
}

// exhausting starts an instance whose web process has the kernel's count grow by one before it exits.
func exhausting(t *testing.T, name string, status int) *running {
	folder := t.TempDir()
	path, text := filepath.Join(folder, name), cgroups[name]
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, text, 2), 0o666); err != nil {
		t.Fatal(err)
	}
	for place := path; place != filepath.Dir(folder); place = filepath.Dir(place) {
		os.Chmod(place, 0o777) // for nobody, past our umask
	}
	os.Chmod(filepath.Dir(folder), 0o755)
	script := fmt.Sprintf("printf '%s' >%s; exit %d", fmt.Sprintf(text, 3), path, status)
	processes := []supervisor.Process{shell(web, script), shell(side, "exec sleep 1000")}
	return begin(t, supervisor.Instance{GraceSeconds: 10, Cgroup: folder, Processes: processes})
}

func TestExitAfterTheKernelKilledForMemorySaysSo(t *testing.T) {
	for name := range cgroups {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := exhausting(t, name, 1)
			equal(t, r.end(), 1)
			equal(t, r.reason(), "APP/PROC/WEB: Exited with status 1 (out of memory)")
			equal(t, r.texts(web, "OUT"), []string{"Exit status 1 (out of memory)"})
			equal(t, r.texts(side, "OUT"), []string{"Exit status 143 (out of memory)"})
			equal(t, []bool{r.exit(web).OOM, r.exit(side).OOM}, []bool{true, true})
		})
	}
}

func TestExitWithZeroIsNeverOutOfMemory(t *testing.T) {
	r := exhausting(t, "memory.events", 0)
	equal(t, r.end(), 1)
	equal(t, r.reason(), "Codependent step exited")
	equal(t, r.texts(web, "OUT"), []string{"Exit status 0"})
}

func TestWhatTheKernelKilledBeforeTheStartIsNotCounted(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "memory.events"), []byte("oom_kill 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	process := shell(web, "exit 1")
	r := begin(t, supervisor.Instance{Cgroup: folder, Processes: []supervisor.Process{process}})
	equal(t, r.end(), 1)
	equal(t, r.reason(), "APP/PROC/WEB: Exited with status 1")
}
