package builder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v2"
)

const lifecycleType = "buildpack"

type result struct {
	Metadata      lifecycle         `json:"lifecycle_metadata"`
	ProcessTypes  map[string]string `json:"process_types"`
	Processes     []command         `json:"processes,omitempty"`
	Sidecars      []sidecar         `json:"sidecars,omitempty"`
	Execution     string            `json:"execution_metadata"` // always empty
	LifecycleType string            `json:"lifecycle_type"`
}

type command struct {
	Type    string `json:"type"`
	Command string `json:"command"`
}

type sidecar struct {
	Name         string   `json:"name"`
	ProcessTypes []string `json:"process_types"`
	Command      string   `json:"command"`
	Memory       int      `json:"memory,omitempty"`
}

type lifecycle struct {
	BuildpackKey      string      `json:"buildpack_key,omitempty"`
	DetectedBuildpack string      `json:"detected_buildpack"`
	Buildpacks        []buildpack `json:"buildpacks"`
}

// buildpack is what a buildpack's config.yml says of it.
type buildpack struct {
	Key     string         `json:"key" yaml:"-"`
	Name    string         `json:"name" yaml:"name"`
	Version string         `json:"version,omitempty" yaml:"version"`
	Config  *config        `json:"config,omitempty" yaml:"config"`
	Output  map[string]any `json:"output_metadata,omitempty" yaml:"output_metadata"`
}

type config struct {
	EntrypointPrefix string `json:"entrypoint_prefix,omitempty" yaml:"entrypoint_prefix"`
}

// stagingInfo lies at the droplet's root; the launcher reads it.
type stagingInfo struct {
	DetectedBuildpack string  `json:"detected_buildpack"`
	StartCommand      string  `json:"start_command"`
	Config            *config `json:"config,omitempty"`
}

// metadata returns what each buildpack wrote to its config.yml; of a missing or broken file, what can be read.
func (s *stage) metadata(keys []string) []buildpack {
	found := make([]buildpack, len(keys))
	for position, key := range keys {
		if raw, err := os.ReadFile(filepath.Join(s.depsDir(position), "config.yml")); err == nil {
			_ = yaml.Unmarshal(raw, &found[position]) // a broken file costs the name, not the staging
		}
		found[position].Key = key
	}
	return found
}

// writeStart writes staging_info.yml and the result.
func (s *stage) writeStart(chosen choice, processes []process) error {
	outcome := convert(processes)
	start := outcome.ProcessTypes["web"]
	if start == "" {
		fmt.Fprintln(os.Stderr, "No start command specified by buildpack or via Procfile.")
		fmt.Fprintln(os.Stderr, "App will not start unless a command is provided at runtime.")
	}
	buildpacks := s.metadata(chosen.keys)
	last := &buildpacks[len(buildpacks)-1]
	if last.Name == "" {
		last.Name = chosen.detected
	}
	info := stagingInfo{DetectedBuildpack: last.Name, StartCommand: start, Config: last.Config}
	if err := writeJSON(filepath.Join(s.contents, "staging_info.yml"), info); err != nil {
		return err
	}
	return s.writeResult(outcome, buildpacks)
}

// convert tells processes and sidecars apart.
func convert(processes []process) result {
	outcome := result{ProcessTypes: map[string]string{}}
	for _, one := range processes {
		if types := one.Platforms.CloudFoundry.SidecarFor; len(types) > 0 {
			outcome.Sidecars = append(outcome.Sidecars, sidecar{one.Type, types, one.Command, one.Limits.Memory})
			continue
		}
		outcome.ProcessTypes[one.Type] = one.Command
		outcome.Processes = append(outcome.Processes, command{one.Type, one.Command})
	}
	return outcome
}

// writeResult leaves an empty file where output_metadata holds a map in a map, as the official builder does: its
// encoder cannot write the maps that YAML decodes to. Newer ones can, so it is refused here by name.
func (s *stage) writeResult(outcome result, buildpacks []buildpack) error {
	for _, one := range buildpacks {
		for name, value := range one.Output {
			if holdsMap(value) {
				refused := fmt.Errorf("config.yml of %s: output_metadata.%s holds a map, only flat values can be written",
					redacted(one.Key), name)
				return errors.Join(refused, os.WriteFile(s.OutputMetadata, nil, 0o644))
			}
		}
	}
	last := buildpacks[len(buildpacks)-1]
	outcome.LifecycleType = lifecycleType
	outcome.Metadata = lifecycle{last.Key, last.Name, buildpacks}
	return writeJSON(s.OutputMetadata, outcome)
}

func holdsMap(value any) bool {
	switch nested := value.(type) {
	case map[any]any:
		return true
	case []any:
		return slices.ContainsFunc(nested, holdsMap)
	}
	return false
}

func writeJSON(path string, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
