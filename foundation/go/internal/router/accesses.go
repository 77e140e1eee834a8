package router

import (
	"sync"
	"time"
)

const (
	mostLines = 20_000
	mostBytes = 16 << 20
	oneAnswer = 500 // lines
)

// Access is a line for an app's log; Time is when the request ended, in nanoseconds.
type Access struct {
	Seq  uint64 `json:"seq"`
	Time int64  `json:"time"`
	App  string `json:"app_guid"`
	Line string `json:"line"`
}

// Accesses keeps the newest lines until the foundation has them; a request never waits for that. The oldest are
// lost where nobody takes them.
type Accesses struct {
	run   string // tells this router's numbers from those of one before it
	mutex sync.Mutex
	kept  []Access // numbers without a gap
	bytes int
	last  uint64
	more  chan struct{} // closed at the next line
}

// NewAccesses returns an empty one.
func NewAccesses() *Accesses {
	return &Accesses{run: requestID(), more: make(chan struct{})}
}

func (a *Accesses) add(app, line string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.last++
	a.kept = append(a.kept, Access{a.last, time.Now().UnixNano(), app, line})
	a.bytes += len(line)
	for len(a.kept) > mostLines || a.bytes > mostBytes {
		a.drop()
	}
	close(a.more)
	a.more = make(chan struct{})
}

func (a *Accesses) drop() {
	a.bytes -= len(a.kept[0].Line)
	a.kept[0] = Access{}
	a.kept = a.kept[1:]
}

// after forgets the lines up to a number, which the reader has for good, and returns the next ones, and what is
// closed when there are more. A number of another router's run means nothing here.
func (a *Accesses) after(run string, number uint64) ([]Access, <-chan struct{}) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for run == a.run && len(a.kept) > 0 && a.kept[0].Seq <= number {
		a.drop()
	}
	return append([]Access{}, a.kept[:min(len(a.kept), oneAnswer)]...), a.more
}
