package supervisor

import (
	"testing"
	"time"
)

func TestTextOfAnExitNamesTheGraceTimeAndThenTheMemory(t *testing.T) {
	got := exit{status: 137, asked: true, killed: true, oom: true}.text(10 * time.Second)
	want := "Exit status 137 (exceeded 10s graceful shutdown interval) (out of memory)"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReasonJoinsWhatEndedByItself(t *testing.T) {
	exits := []exit{
		{source: "A", status: 3}, {source: "B", status: 0}, {source: "C", status: 143, asked: true},
		{source: "D", status: 9, asked: true, killed: true}, {source: "E", status: 137, oom: true},
	}
	want := "A: Exited with status 3; Codependent step exited; E: Exited with status 137 (out of memory)"
	if got := reason(exits); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
