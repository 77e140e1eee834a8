package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const usualCgroup = "/sys/fs/cgroup"

// memory knows whether the kernel has ended a process of the container, any of them, because the memory was used
// up. The kernel counts before it kills, so a process that it ended is never seen before its count.
type memory struct {
	cgroup string
	before int
}

func newMemory(cgroup string) memory {
	if cgroup == "" {
		cgroup = usualCgroup
	}
	return memory{cgroup: cgroup, before: kills(cgroup)}
}

func (m memory) exhausted() bool { return kills(m.cgroup) > m.before }

// kills returns how many processes of the container the kernel has ended for memory, by cgroup v2, else v1.
func kills(cgroup string) int {
	for _, place := range []string{"memory.events", "memory/memory.oom_control"} {
		raw, err := os.ReadFile(filepath.Join(cgroup, place))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			if count, found := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); found {
				number, _ := strconv.Atoi(count) // 0 where it is none
				return number
			}
		}
	}
	return 0
}
