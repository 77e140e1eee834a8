package supervisor

import (
	"fmt"
	"strings"
	"time"
)

// endedWell is the reason where a process ended with 0 and nobody had asked it to (executor's words).
const endedWell = "Codependent step exited"

// exit is how a process ended.
type exit struct {
	source string
	status int
	asked  bool // it was signalled before, so its end is no reason for the instance's
	killed bool // it was alive when the grace time was over
	oom    bool // the container had used up its memory
}

// text is what the process's own log says of it.
func (e exit) text(grace time.Duration) string {
	text := fmt.Sprintf("Exit status %d", e.status)
	if e.killed {
		text += fmt.Sprintf(" (exceeded %s graceful shutdown interval)", grace)
	}
	return text + e.suffix()
}

func (e exit) suffix() string {
	if e.oom {
		return " (out of memory)"
	}
	return ""
}

// reason says why an instance ended: how those processes ended that nobody had asked to; empty after a stop.
func reason(exits []exit) string {
	var reasons []string
	for _, one := range exits {
		switch {
		case one.asked:
		case one.status == 0:
			reasons = append(reasons, endedWell)
		default:
			reasons = append(reasons, fmt.Sprintf("%s: Exited with status %d%s", one.source, one.status, one.suffix()))
		}
	}
	return strings.Join(reasons, "; ")
}
