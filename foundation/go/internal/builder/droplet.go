package builder

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pack writes the droplet and the next cache: gzip tars made by the stack's own tar.
func (s *stage) pack() error {
	for _, name := range []string{"tmp", "logs"} {
		if err := os.MkdirAll(filepath.Join(s.contents, name), 0o755); err != nil {
			return fail(0, "Failed to set up droplet filesystem", err)
		}
	}
	if err := run("cp", "-a", s.BuildDir, filepath.Join(s.contents, "app")); err != nil {
		return fail(0, "Failed to copy compiled droplet", err)
	}
	if err := archive(s.contents, s.OutputDroplet); err != nil {
		return fail(0, "Failed to compress droplet filesystem", err)
	}
	if err := archive(s.CacheDir, s.OutputCache); err != nil {
		return fail(0, "Failed to compress build artifacts", err)
	}
	return nil
}

// archive packs a folder; the fastest level, since the file goes no further than the next container.
func archive(folder, into string) error {
	return run("tar", "--use-compress-program", "gzip -1", "-cf", into, "-C", folder, ".")
}

func run(name string, arguments ...string) error {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if said := strings.TrimSpace(string(output)); err != nil && said != "" {
		return errors.Join(errors.New(said), err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
