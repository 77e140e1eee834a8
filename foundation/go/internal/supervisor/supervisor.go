// Package supervisor runs the processes of one app instance together: if one ends, all end.
//
// The rules are Cloud Foundry's (executor's codependent step): any exit, 0 included, ends the instance; the
// others get SIGTERM, after the grace time SIGKILL, and a second later they are given up.
package supervisor

import (
	"io"
	"os"
	"syscall"
	"time"
)

const giveUpAfter = time.Second // from SIGKILL on

// Instance describes what to run; UID and GID count only where the supervisor is root.
type Instance struct {
	GraceSeconds float64   `json:"grace_seconds"`
	UID          uint32    `json:"uid"`
	GID          uint32    `json:"gid"`
	Dir          string    `json:"dir"`
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
	family := newFamily(len(instance.Processes), log)
	for _, process := range instance.Processes {
		family.start(instance, process)
	}
	go family.reap()
	left := len(instance.Processes)
	select {
	case first := <-family.exits:
		family.end(instance.GraceSeconds, left-1)
		log.last(event{Event: "ended", Source: first.source, Status: &first.status})
		return 1
	case <-stop:
		family.end(instance.GraceSeconds, left)
		log.last(event{Event: "ended", Status: new(int)})
		return 0
	}
}

// end signals the processes that live and waits until the rest have ended or are given up.
func (f *family) end(graceSeconds float64, left int) {
	f.signal(syscall.SIGTERM)
	grace := time.After(time.Duration(graceSeconds * float64(time.Second)))
	var giveUp <-chan time.Time
	for left > 0 {
		select {
		case <-f.exits:
			left--
		case <-grace:
			f.signal(syscall.SIGKILL)
			giveUp = time.After(giveUpAfter)
		case <-giveUp:
			return
		}
	}
}
