package supervisor

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const longestLine = 61440 // bytes of one log line (executor's log_streamer)

// lines cuts a stream as executor's log streamer does: either of \n and \r ends a line, empty lines are dropped,
// one that is too long is cut into pieces, not within a character.
type lines struct {
	rest []byte
	emit func(text string)
}

func (l *lines) add(data []byte) {
	for {
		end := bytes.IndexAny(data, "\r\n")
		if end < 0 {
			l.grow(data)
			return
		}
		l.grow(data[:end])
		l.flush()
		data = data[end+1:]
	}
}

func (l *lines) grow(data []byte) {
	l.rest = append(l.rest, data...)
	for len(l.rest) >= longestLine {
		end := border(l.rest, longestLine)
		l.say(l.rest[:end])
		l.rest = append(l.rest[:0], l.rest[end:]...)
	}
}

func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.say(l.rest)
		l.rest = l.rest[:0]
	}
}

func (l *lines) say(line []byte) { l.emit(strings.ToValidUTF8(string(line), "\uFFFD")) }

// border returns where to cut, at or up to three bytes before the end, so that no character is cut in two.
func border(data []byte, end int) int {
	for start := end - 1; start >= end-utf8.UTFMax+1; start-- {
		if utf8.RuneStart(data[start]) {
			if !utf8.FullRune(data[start:end]) {
				return start
			}
			break
		}
	}
	return end
}
