package supervisor

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	readSize  = 32 << 10
	pipeHolds = 1 << 20 // bytes: the most that a pipe holds
)

// stream copies one stream of a process to the journal, line by line.
type stream struct {
	file    *os.File
	lines   lines
	drained chan struct{} // closed when all that the process has written is in the journal
	once    sync.Once
}

func newStream(file *os.File, log *journal, source, name string) *stream {
	emit := func(text string) { log.line(source, name, text) }
	return &stream{file: file, lines: lines{emit: emit}, drained: make(chan struct{})}
}

// copy reads until the last holder of the pipe is gone, which may be a grandchild that outlives the process.
func (s *stream) copy() {
	defer s.file.Close()
	buffer := make([]byte, readSize)
	for {
		count, err := s.file.Read(buffer)
		s.lines.add(buffer[:count])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.file.SetReadDeadline(time.Time{})
			s.takeRest(buffer)
			s.flush()
			continue
		}
		if err != nil {
			s.flush()
			return
		}
	}
}

// drain returns when what lies in the pipe has been copied, whoever else may still write to it. It is called
// once, after the process has ended.
func (s *stream) drain() {
	s.file.SetReadDeadline(time.Unix(1, 0)) // long past: wakes the reader; a pipe at its end needs no waking
	<-s.drained
}

// takeRest reads without waiting what the pipe holds.
func (s *stream) takeRest(buffer []byte) {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	raw.Read(func(descriptor uintptr) bool {
		for taken := 0; taken < pipeHolds; {
			count, err := syscall.Read(int(descriptor), buffer)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil || count <= 0 {
				break
			}
			s.lines.add(buffer[:count])
			taken += count
		}
		return true // do not wait for more
	})
}

func (s *stream) flush() {
	s.lines.flush()
	s.once.Do(func() { close(s.drained) })
}
