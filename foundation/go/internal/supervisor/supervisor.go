// Package supervisor runs the processes of one app instance together: if one ends, all end.
//
// The rules are Cloud Foundry's (executor's codependent step): any exit, 0 included, ends the instance; the
// others get SIGTERM, after the grace time SIGKILL, and a second later they are given up. Why the instance ended
// is said when all have ended.
package supervisor

import (
	"io"
	"os"
	"time"
)

const giveUpAfter = time.Second // from SIGKILL on

// Instance describes what to run; UID and GID count only where the supervisor is root.
type Instance struct {
	GraceSeconds float64   `json:"grace_seconds"`
	UID          uint32    `json:"uid"`
	GID          uint32    `json:"gid"`
	Dir          string    `json:"dir"`
	Ports        []int     `json:"ports"`            // on which the instance is reached; none for a worker
	Cgroup       string    `json:"cgroup,omitempty"` // where the kernel counts; empty is the usual place
	Processes    []Process `json:"processes"`
}

// Process is one of the instance's processes; Source tags its output, Argv starts with a path, Env is its
// environment but for what is known only in the container.
type Process struct {
	Source string            `json:"source"`
	Argv   []string          `json:"argv"`
	Env    map[string]string `json:"env"`
}

// Run starts the processes, writes what happens to out, and returns the exit code: 0 after a stop, else 1.
//
// It waits for every child of this process, also for those that it did not start: as PID 1 it inherits orphans.
func Run(instance Instance, out io.Writer, stop <-chan os.Signal) int {
	log := &journal{out: out}
	family := newFamily(instance, log)
	for _, process := range instance.Processes {
		family.start(instance, process)
	}
	go family.reap()
	var ended []exit
	code := 0
	select {
	case first := <-family.exits:
		ended, code = []exit{first}, 1
	case <-stop:
	}
	ended = append(ended, family.end(len(instance.Processes)-len(ended))...)
	log.last(event{Event: "ended", Reason: reason(ended)})
	return code
}

// end signals the processes that live and returns how the rest have ended, but for those that are given up.
func (f *family) end(left int) []exit {
	f.terminate()
	grace := time.After(f.grace)
	var giveUp <-chan time.Time
	var ended []exit
	for len(ended) < left {
		select {
		case one := <-f.exits:
			ended = append(ended, one)
		case <-grace:
			f.kill()
			giveUp = time.After(giveUpAfter)
		case <-giveUp:
			return ended
		}
	}
	return ended
}
