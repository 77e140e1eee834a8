package supervisor

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

type event struct {
	Time   int64  `json:"time"` // nanoseconds since 1970
	Source string `json:"source"`
	Stream string `json:"stream,omitempty"`
	Text   string `json:"text,omitempty"`
	Event  string `json:"event,omitempty"`
	PID    int    `json:"pid,omitempty"`
	Status *int   `json:"status,omitempty"`
	Killed bool   `json:"killed,omitempty"` // by us, after the grace time
	OOM    bool   `json:"oom,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// journal writes one JSON object a line, never two at once, and none behind the last.
type journal struct {
	mutex  sync.Mutex
	out    io.Writer
	closed bool
}

func (j *journal) event(what event) { j.write(what, false) }

func (j *journal) last(what event) { j.write(what, true) }

func (j *journal) line(source, stream, text string) {
	j.event(event{Source: source, Stream: stream, Text: text})
}

func (j *journal) write(what event, last bool) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.closed {
		return
	}
	j.closed = last
	what.Time = time.Now().UnixNano()
	raw, _ := json.Marshal(what) // plain strings and numbers always encode; what is not UTF-8 is replaced
	j.out.Write(append(ascii(raw), '\n'))
}

// ascii writes the characters beyond ASCII in a JSON text as escapes: Docker's log keeps a long line in pieces,
// and spoils a character that lies on the edge of two.
func ascii(raw []byte) []byte {
	plain := make([]byte, 0, len(raw)+1)
	for _, char := range string(raw) {
		if char < utf8.RuneSelf {
			plain = append(plain, byte(char))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, char) {
			plain = fmt.Appendf(plain, `\u%04x`, unit)
		}
	}
	return plain
}
