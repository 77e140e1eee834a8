package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

const codeNotStarted = 127

// family are the processes that were started. Its mutex is held while one is started, waited for or signalled:
// no signal goes to a number that has become another process's, and no exit is seen before its start is noted.
type family struct {
	mutex sync.Mutex
	alive map[int]*member
	exits chan exit
	log   *journal
}

type member struct {
	source  string
	streams []*stream
}

type exit struct {
	source string
	status int
}

func newFamily(size int, log *journal) *family {
	return &family{alive: map[int]*member{}, exits: make(chan exit, size), log: log}
}

// start starts a process; where it cannot, that counts as an exit.
func (f *family) start(instance Instance, process Process) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	pid, streams, err := spawn(instance, process, f.log)
	if err != nil {
		f.log.line(process.Source, "ERR", fmt.Sprintf("The process could not be started: %v", err))
		f.report(exit{process.Source, codeNotStarted})
		return
	}
	f.log.event(event{Event: "started", Source: process.Source, PID: pid})
	f.alive[pid] = &member{source: process.Source, streams: streams}
	for _, stream := range streams {
		go stream.copy()
	}
}

// signal signals the processes that were started and still live, not their groups, as Garden does.
func (f *family) signal(which syscall.Signal) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for pid := range f.alive {
		syscall.Kill(pid, which) // fails only where it is just ending
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
	f.report(exit{member.source, status})
}

func (f *family) report(ended exit) {
	f.log.line(ended.source, "OUT", fmt.Sprintf("Exit status %d", ended.status))
	f.log.event(event{Event: "exited", Source: ended.source, Status: &ended.status})
	f.exits <- ended
}
