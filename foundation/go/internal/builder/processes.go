package builder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	// The decoder of the official builder, in its maintained form: what one accepts the other does too.
	"go.yaml.in/yaml/v2"
)

// process is an entry of launch.yml; one that names process types is a sidecar of them.
type process struct {
	Type      string `yaml:"type"`
	Command   string `yaml:"command"`
	Platforms struct {
		CloudFoundry struct {
			SidecarFor []string `yaml:"sidecar_for"`
		} `yaml:"cloudfoundry"`
	} `yaml:"platforms"`
	Limits struct {
		Memory int `yaml:"memory"` // MB, a plain integer
	} `yaml:"limits"`
}

// processes merges launch.yml of the supply buildpacks, launch.yml or bin/release of the final one, and Procfile.
//
// As with the official builder, launch.yml is looked up by the unpadded position in the order, also where the
// deps directory has another name: with ten or more buildpacks, and after detection among several.
func (s *stage) processes(directory string) ([]process, error) {
	var merged []process
	for position := range s.supplies() {
		found, _, err := s.launchYML(position)
		if err != nil {
			return nil, err
		}
		merged = merge(merged, found)
	}
	found, there, err := s.launchYML(len(s.Order) - 1)
	if err != nil {
		return nil, err
	}
	if !there {
		if found, err = s.release(directory); err != nil {
			return nil, fail(codeRelease, "Failed to build droplet release", err)
		}
	}
	merged = merge(merged, found)
	lines, err := s.procfile()
	if err != nil {
		return nil, fail(0, "Failed to read command from Procfile", err)
	}
	return merge(merged, lines), nil
}

// merge puts entries behind the earlier ones; one of the same type replaces the whole earlier entry. Within one
// list nothing replaces anything.
func merge(earlier, later []process) []process {
	merged := slices.Clone(earlier)
	for _, entry := range later {
		replaced := false
		for position := range earlier {
			if earlier[position].Type == entry.Type {
				merged[position], replaced = entry, true
			}
		}
		if !replaced {
			merged = append(merged, entry)
		}
	}
	return merged
}

func (s *stage) launchYML(position int) ([]process, bool, error) {
	raw, err := os.ReadFile(filepath.Join(s.deps, strconv.Itoa(position), "launch.yml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var launch struct {
		Processes []process `yaml:"processes"`
	}
	if err := yaml.Unmarshal(raw, &launch); err != nil {
		return nil, true, fmt.Errorf("launch.yml of buildpack %d: %w", position, err)
	}
	return launch.Processes, true, nil
}

func (s *stage) release(directory string) ([]process, error) {
	var output bytes.Buffer
	if err := script(&output, directory, "release", s.BuildDir); err != nil {
		return nil, err
	}
	var release struct {
		DefaultProcessTypes map[string]string `yaml:"default_process_types"`
	}
	if err := yaml.Unmarshal(output.Bytes(), &release); err != nil {
		return nil, fmt.Errorf("buildpack's release output invalid: %w", err)
	}
	return commands(release.DefaultProcessTypes), nil
}

func (s *stage) procfile() ([]process, error) {
	raw, err := os.ReadFile(filepath.Join(s.BuildDir, "Procfile"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lines map[string]string
	if err := yaml.Unmarshal(raw, &lines); err != nil {
		return nil, fmt.Errorf("invalid YAML: %w", err)
	}
	return commands(lines), nil
}

func commands(byType map[string]string) []process {
	var found []process
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		found = append(found, process{Type: name, Command: byType[name]})
	}
	return found
}
