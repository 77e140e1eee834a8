package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// Other programs can be put in the place of ours, as for the foundation: BUILDER=/path/to/builder go test.
const (
	otherBuilder = "BUILDER"
	asBuilder    = "TEST_AS_BUILDER"
)

func TestMain(m *testing.M) {
	if os.Getenv(asBuilder) != "" {
		os.Unsetenv(asBuilder)
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// scripts maps names below bin/ to what bash runs.
type scripts map[string]string

// staging is a folder in place of a container's /tmp.
type staging struct {
	*testing.T
	root string
	env  []string
}

type outcome struct {
	code           int
	stdout, stderr string
}

func newStaging(t *testing.T) *staging {
	t.Parallel()
	s := &staging{T: t, root: t.TempDir()}
	for _, name := range []string{"app", "buildpacks", "downloads", "cache", "tmp", "home"} {
		s.must(os.Mkdir(s.path(name), 0o755))
	}
	return s
}

func (s *staging) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *staging) path(parts ...string) string {
	return filepath.Join(append([]string{s.root}, parts...)...)
}

func (s *staging) write(text string, parts ...string) {
	s.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(parts...)), 0o755))
	s.must(os.WriteFile(s.path(parts...), []byte(text), 0o644))
}

func (s *staging) read(parts ...string) string {
	s.Helper()
	raw, err := os.ReadFile(s.path(parts...))
	s.must(err)
	return string(raw)
}

func (s *staging) exists(parts ...string) bool {
	_, err := os.Lstat(s.path(parts...))
	return err == nil
}

// buildpack puts an admin buildpack where the platform does.
func (s *staging) buildpack(key string, files scripts) {
	s.Helper()
	s.buildpackAt(filepath.Join("buildpacks", xxh64(key)), files)
}

func (s *staging) buildpackAt(folder string, files scripts) {
	s.Helper()
	for name, text := range files {
		s.write("#!/bin/bash\n"+text+"\n", folder, "bin", name)
		s.must(os.Chmod(s.path(folder, "bin", name), 0o755))
	}
}

// run runs the builder as vcap's home would have it; later flags override.
func (s *staging) run(order string, more ...string) outcome {
	s.Helper()
	flags := []string{
		"-buildpackOrder=" + order, "-skipDetect=true", "-skipCertVerify=false", "-buildDir=" + s.path("app"),
		"-outputDroplet=" + s.path("out", "droplet"), "-outputMetadata=" + s.path("out", "result.json"),
		"-outputBuildArtifactsCache=" + s.path("out", "cache"), "-buildpacksDir=" + s.path("buildpacks"),
		"-buildpacksDownloadDir=" + s.path("downloads"), "-buildArtifactsCacheDir=" + s.path("cache"),
	}
	program := os.Getenv(otherBuilder)
	if program == "" {
		program = os.Args[0]
	}
	command := exec.Command(program, append(flags, more...)...)
	command.Dir = s.path("home")
	command.Env = append([]string{
		asBuilder + "=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.path("tmp"), "HOME=" + s.path("home"),
		"GIT_CONFIG_GLOBAL=/dev/null",
	}, s.env...)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	return outcome{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// stage runs the builder and expects it to succeed.
func (s *staging) stage(order string, more ...string) outcome {
	s.Helper()
	done := s.run(order, more...)
	if done.code != 0 {
		s.Fatalf("exit code %d\n%s\n%s", done.code, done.stdout, done.stderr)
	}
	return done
}

func (s *staging) result() map[string]any {
	s.Helper()
	return decode(s.T, s.read("out", "result.json"))
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return decoded
}

// entries returns a gzip tar's entries, the contents of regular files by name.
func (s *staging) entries(parts ...string) map[string]string {
	s.Helper()
	file, err := os.Open(s.path(parts...))
	s.must(err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	s.must(err)
	found := map[string]string{}
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		s.must(err)
		raw, err := io.ReadAll(reader)
		s.must(err)
		found[header.Name] = string(raw)
	}
}

func (s *staging) equal(got, want any) {
	s.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func (s *staging) contains(text, part string) {
	s.Helper()
	if !strings.Contains(text, part) {
		s.Errorf("%q is not in\n%s", part, text)
	}
}

func xxh64(key string) string { return fmt.Sprintf("%016x", xxhash.Sum64String(key)) }

func lines(text string) []string { return slices.Collect(strings.Lines(text)) }
