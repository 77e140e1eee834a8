package builder

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// hash returns the directory name of a key: XXH64, seed 0, 16 hex digits.
func hash(key string) string { return fmt.Sprintf("%016x", xxhash.Sum64String(key)) }

// olderHash returns the directory name that older platforms use.
func olderHash(key string) string { return fmt.Sprintf("%x", md5.Sum([]byte(key))) }

// isURL tells whether a key names a buildpack that the builder fetches itself.
func isURL(key string) bool {
	parsed, err := url.Parse(key)
	return err == nil && parsed.IsAbs()
}

// redacted returns a key without the password that a URL may hold.
func redacted(key string) string {
	if parsed, err := url.Parse(key); err == nil && parsed.IsAbs() {
		return parsed.Redacted()
	}
	return key
}

// directory returns the folder of a buildpack that holds bin/: its root, or the root's only entry.
func (s *stage) directory(key string) (string, error) {
	parent := s.BuildpacksDir
	if isURL(key) {
		parent = s.DownloadsDir
	}
	roots := []string{filepath.Join(parent, hash(key)), filepath.Join(parent, olderHash(key))}
	for _, root := range roots {
		if holdsBin(root) {
			return root, nil
		}
	}
	for _, root := range roots {
		entries, err := os.ReadDir(root)
		if err != nil || len(entries) == 0 {
			continue
		}
		if nested := filepath.Join(root, entries[0].Name()); len(entries) == 1 && holdsBin(nested) {
			return nested, nil
		}
		return "", fmt.Errorf("malformed buildpack does not contain a /bin dir: %s", redacted(key))
	}
	return "", fmt.Errorf("failed to read buildpack directory '%s' for buildpack '%s'", roots[0], redacted(key))
}

func holdsBin(directory string) bool {
	_, err := os.Stat(filepath.Join(directory, "bin"))
	return err == nil
}

// download fetches every buildpack that is named by URL; a failure ends the staging with 1.
func (s *stage) download() error {
	for _, key := range s.Order {
		source, err := url.Parse(key)
		if err != nil {
			return fmt.Errorf("invalid buildpack url: %w", err)
		}
		if !source.IsAbs() {
			continue
		}
		into := filepath.Join(s.DownloadsDir, hash(key))
		if err := errors.Join(os.RemoveAll(into), os.MkdirAll(s.DownloadsDir, 0o755)); err != nil {
			return err
		}
		if strings.HasSuffix(source.Path, ".zip") {
			err = s.fetchZip(source, into)
		} else {
			err = clone(*source, into)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clone gets a git repository at the branch or tag that the fragment names: shallow where the server can, whole else.
func clone(source url.URL, into string) error {
	tail := []string{"--recursive"}
	if source.Fragment != "" {
		tail = append(tail, "--branch", source.Fragment)
	}
	source.Fragment, source.RawFragment = "", ""
	tail = append(tail, "--", source.String(), into)
	var said string
	for _, depth := range [][]string{{"--depth", "1"}, nil} {
		if err := os.RemoveAll(into); err != nil {
			return err
		}
		command := exec.Command("git", append(append([]string{"clone", "--quiet"}, depth...), tail...)...)
		command.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0") // nobody could answer
		output, err := command.CombinedOutput()
		if err == nil {
			return nil
		}
		said = fmt.Sprintf("%v\n%s", err, strings.ReplaceAll(string(output), source.String(), source.Redacted()))
	}
	return fmt.Errorf("failed to clone git repository at %s: %s", source.Redacted(), strings.TrimSpace(said))
}
