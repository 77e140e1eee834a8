// Package launcher starts a process the way Cloud Foundry's launcher does.
package launcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"go.yaml.in/yaml/v2"
)

// Exit codes of the official launcher.
const (
	codeUsage       = 1
	codeEnvironment = 3
	codeExec        = 4
)

const shell = "/bin/bash"

// script is what bash runs: $1 is the app's folder, $2 the command. The two stay where scripts see them, and may
// overwrite them, until all scripts have been sourced. As with the official launcher the scripts' names are words
// of bash, so that one with a space in it is not found, and a folder is an error that goes on.
const script = `cd "$1"
echo 'Invoking pre-start scripts.'
if [ -n "$(ls ../profile.d/* 2>/dev/null)" ]; then for env_file in ../profile.d/*; do source $env_file; done; fi
if [ -n "$(ls .profile.d/* 2>/dev/null)" ]; then for env_file in .profile.d/*; do source $env_file; done; fi
if [ -f .profile ]; then source .profile; fi
shift
echo 'Invoking start command.'
exec %s "$@"`

// stagingInfo is staging_info.yml, the builder's note at the droplet's root.
type stagingInfo struct {
	StartCommand string `yaml:"start_command"`
	Config       struct {
		EntrypointPrefix string `yaml:"entrypoint_prefix"`
	} `yaml:"config"`
}

// Launch replaces this process by the command's; where it returns, it could not, and the code is the exit code.
func Launch(app, command string) (int, error) {
	home, err := filepath.Abs(app)
	if err != nil {
		return codeUsage, err
	}
	info, err := readInfo()
	if err != nil {
		return codeUsage, fmt.Errorf("invalid staging info: %w", err)
	}
	if command == "" {
		command = info.StartCommand
	}
	if command == "" {
		return codeUsage, errors.New("no start command specified or detected in droplet")
	}
	if err := prepare(home); err != nil {
		return codeEnvironment, err
	}
	entry := "bash -c"
	if info.Config.EntrypointPrefix != "" {
		entry = info.Config.EntrypointPrefix
	}
	arguments := []string{"bash", "-c", fmt.Sprintf(script, entry), os.Args[0], home, command}
	if err := syscall.Exec(shell, arguments, os.Environ()); err != nil {
		return codeExec, fmt.Errorf("%s cannot be run: %w", shell, err)
	}
	return 0, nil
}

// readInfo reads staging_info.yml of the droplet, the current folder; a missing one says nothing.
func readInfo() (stagingInfo, error) {
	var info stagingInfo
	raw, err := os.ReadFile("staging_info.yml")
	if errors.Is(err, fs.ErrNotExist) {
		return info, nil
	}
	if err != nil {
		return info, err
	}
	return info, yaml.Unmarshal(raw, &info)
}
