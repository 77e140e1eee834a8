package builder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const incompatible = "Warning: the last buildpack is not compatible with multi-buildpack apps and cannot make use " +
	"of any dependencies supplied by the buildpacks specified before it"

// choose runs what comes before the final buildpack: every supply, or detection.
func (s *stage) choose() (choice, error) {
	if s.SkipDetect {
		return s.supplyAll()
	}
	for _, key := range s.Order {
		if directory, name, ok := s.detect(key); ok {
			return choice{directory: directory, keys: []string{key}, detected: name}, nil
		}
	}
	return choice{}, fail(codeDetect, "None of the buildpacks detected a compatible application", nil)
}

// detect asks one buildpack; one that is malformed is passed over with a message.
func (s *stage) detect(key string) (directory, name string, ok bool) {
	directory, err := s.directory(key)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "", "", false
	}
	about, err := os.Stat(filepath.Join(directory, "bin", "detect"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "", "", false
	}
	if about.Mode()&0o111 != 0o111 {
		fmt.Println("WARNING: buildpack script '/bin/detect' is not executable")
	}
	var output bytes.Buffer
	if err := script(&output, directory, "detect", s.BuildDir); err != nil {
		return "", "", false
	}
	return directory, strings.TrimRight(output.String(), "\r\n"), true
}

// supplyAll checks every supply buildpack before the first script runs, then runs them in order.
func (s *stage) supplyAll() (choice, error) {
	const failed = "Failed to run all supply scripts"
	directories := make([]string, len(s.supplies()))
	for position, key := range s.supplies() {
		directory, err := s.directory(key)
		if err != nil {
			return choice{}, fail(codeSupply, failed, err)
		}
		if there, err := has(directory, "supply"); err != nil {
			return choice{}, fail(codeSupply, failed, err)
		} else if !there {
			return choice{}, fail(codeSupply, "Error: one of the buildpacks chosen to supply dependencies "+
				"does not support multi-buildpack apps", fmt.Errorf("%s has no bin/supply", redacted(key)))
		}
		directories[position] = directory
	}
	for position, key := range s.supplies() {
		err := script(os.Stdout, directories[position], "supply", s.BuildDir, s.supplyCache(key), s.deps, s.index(position))
		if err != nil {
			return choice{}, fail(codeSupply, failed, err)
		}
	}
	directory, err := s.directory(s.Order[len(s.Order)-1])
	if err != nil {
		return choice{}, fail(codeSupply, failed, err)
	}
	return choice{directory: directory, keys: s.Order}, nil
}

// compile runs the final buildpack: supply and finalize where there is a finalize, else compile.
func (s *stage) compile(directory string) error {
	position := len(s.supplies())
	finalize, err := has(directory, "finalize")
	if err != nil {
		return err
	}
	if finalize {
		return s.finalize(directory, s.index(position))
	}
	if position > 0 {
		fmt.Fprintln(os.Stderr, incompatible)
	}
	if err := os.RemoveAll(s.depsDir(position)); err != nil {
		return err
	}
	return script(os.Stdout, directory, "compile", s.BuildDir, s.finalCache())
}

func (s *stage) finalize(directory, index string) error {
	supply, err := has(directory, "supply")
	if err != nil {
		return err
	}
	if supply {
		err := script(os.Stdout, directory, "supply", s.BuildDir, s.finalCache(), s.deps, index)
		if err != nil {
			return fail(0, "Failed to run all supply scripts", err)
		}
	}
	err = script(os.Stdout, directory, "finalize", s.BuildDir, s.finalCache(), s.deps, index, s.profile)
	if err != nil {
		return fail(0, "Failed to run finalize script", err)
	}
	return nil
}

// has tells whether a script exists; that it cannot be executed shows when it is run.
func has(directory, name string) (bool, error) {
	_, err := os.Stat(filepath.Join(directory, "bin", name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// script runs one of a buildpack's scripts in the builder's own environment and directory.
func script(stdout io.Writer, directory, name string, arguments ...string) error {
	command := exec.Command(filepath.Join(directory, "bin", name), arguments...)
	command.Stdout, command.Stderr = stdout, os.Stderr
	return command.Run()
}
