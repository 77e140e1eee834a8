package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const codeNotStarted = 127

// family are the processes that were started. Its mutex is held while one is started, waited for or signalled:
// no signal goes to a number that has become another process's, and no exit is seen before its start is noted.
type family struct {
	mutex  sync.Mutex
	alive  map[int]*member
	exits  chan exit
	log    *journal
	grace  time.Duration
	memory memory
}

type member struct {
	source        string
	streams       []*stream
	asked, killed bool
}

func newFamily(instance Instance, log *journal) *family {
	return &family{
		alive:  map[int]*member{},
		exits:  make(chan exit, len(instance.Processes)),
		log:    log,
		grace:  time.Duration(instance.GraceSeconds * float64(time.Second)),
		memory: newMemory(instance.Cgroup),
	}
}

// start starts a process; where it cannot, that counts as an exit.
func (f *family) start(instance Instance, process Process) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	pid, streams, err := spawn(instance, process, f.log)
	if err != nil {
		f.log.line(process.Source, "ERR", fmt.Sprintf("The process could not be started: %v", err))
		f.report(exit{source: process.Source, status: codeNotStarted})
		return
	}
	f.log.event(event{Event: "started", Source: process.Source, PID: pid})
	f.alive[pid] = &member{source: process.Source, streams: streams}
	for _, stream := range streams {
		go stream.copy()
	}
}

// terminate asks the processes that were started and still live to end, not their groups, as Garden does.
func (f *family) terminate() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for pid, member := range f.alive {
		member.asked = true
		syscall.Kill(pid, syscall.SIGTERM) // fails only where it is just ending
	}
}

// kill ends the processes that still live.
func (f *family) kill() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for pid, member := range f.alive {
		member.killed = true
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// reap waits for every child as it ends, orphans that PID 1 inherits among them. It never returns.
func (f *family) reap() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		for f.reapOne() {
		}
		<-ended
	}
}

func (f *family) reapOne() bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var how syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &how, syscall.WNOHANG, nil)
	if errors.Is(err, syscall.EINTR) {
		return true
	}
	if err != nil || pid == 0 {
		return false
	}
	if member, ours := f.alive[pid]; ours {
		delete(f.alive, pid)
		go f.finish(member, how)
	}
	return true
}

// finish reports an exit behind everything that the process has written before it.
func (f *family) finish(member *member, how syscall.WaitStatus) {
	for _, stream := range member.streams {
		stream.drain()
	}
	status := how.ExitStatus()
	if how.Signaled() {
		status = 128 + int(how.Signal())
	}
	f.report(exit{
		source: member.source, status: status, asked: member.asked, killed: member.killed,
		oom: status != 0 && f.memory.exhausted(),
	})
}

func (f *family) report(ended exit) {
	f.log.line(ended.source, "OUT", ended.text(f.grace))
	f.log.event(event{
		Event: "exited", Source: ended.source, Status: &ended.status, Killed: ended.killed, OOM: ended.oom,
	})
	f.exits <- ended
}
