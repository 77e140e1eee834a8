package builder

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// stage is one run of the builder.
type stage struct {
	Options
	contents string // becomes the droplet
	deps     string
	profile  string
}

// choice is what builds the app: the final buildpack, and the keys of all that take part.
type choice struct {
	directory string
	keys      []string
	detected  string // what bin/detect printed
}

// Run stages the app. The result file is also written when the final buildpack fails, not when a supply does.
func Run(options Options) error {
	s := &stage{Options: options}
	defer func() { os.RemoveAll(s.contents) }()
	if err := s.makeDirectories(); err != nil {
		return fail(0, "Failed to set up filesystem when generating droplet", err)
	}
	if err := s.download(); err != nil {
		return err
	}
	if err := s.pruneCache(); err != nil {
		return err
	}
	chosen, err := s.choose()
	if err != nil {
		return err
	}
	if err := s.build(chosen); err != nil {
		s.writeResult(result{}, s.metadata(chosen.keys)) // its own failure would hide the first one
		return err
	}
	return s.pack()
}

func (s *stage) makeDirectories() error {
	var err error
	if s.contents, err = os.MkdirTemp("", "contents"); err != nil {
		return err
	}
	s.deps, s.profile = filepath.Join(s.contents, "deps"), filepath.Join(s.contents, "profile.d")
	directories := []string{
		s.profile, s.finalCache(), s.depsDir(len(s.supplies())),
		filepath.Dir(s.OutputDroplet), filepath.Dir(s.OutputMetadata), filepath.Dir(s.OutputCache),
	}
	for position, key := range s.supplies() {
		directories = append(directories, s.depsDir(position), s.supplyCache(key))
	}
	for _, directory := range directories {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// supplies are the keys before the last; where the buildpack is detected it is the only one.
func (s *stage) supplies() []string {
	if !s.SkipDetect {
		return nil
	}
	return s.Order[:len(s.Order)-1]
}

// index returns a buildpack's index as scripts see it: zero-padded to the width of the number of buildpacks.
func (s *stage) index(position int) string {
	width := len(strconv.Itoa(len(s.supplies()) + 1))
	index := strconv.Itoa(position)
	return strings.Repeat("0", max(width-len(index), 0)) + index
}

func (s *stage) depsDir(position int) string { return filepath.Join(s.deps, s.index(position)) }

func (s *stage) build(chosen choice) error {
	if err := s.compile(chosen.directory); err != nil {
		return fail(codeCompile, "Failed to compile droplet", err)
	}
	processes, err := s.processes(chosen.directory)
	if err != nil {
		return err
	}
	return s.writeStart(chosen, processes)
}
