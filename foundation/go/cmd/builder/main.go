// The builder turns an app and its buildpacks into a droplet, as Cloud Foundry's buildpack lifecycle does: the
// same flags, files and exit codes as the official builder.
package main

import (
	"errors"
	"fmt"
	"os"

	"foundation/internal/builder"
	"foundation/internal/platform"
)

// Exit codes for an environment that cannot be used.
const (
	codeUsage   = 1
	codeOptions = 3
	codeCredHub = 4
	codeSetenv  = 5
)

func main() {
	if code, err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(code)
	}
}

// run returns the exit code beside the error.
func run(arguments []string) (int, error) {
	options, err := builder.Parse(arguments)
	if err != nil {
		return codeUsage, err
	}
	if err := platform.CheckOptions(os.Getenv); errors.Is(err, platform.ErrCredHub) {
		return codeCredHub, err
	} else if err != nil {
		return codeOptions, err
	}
	if url := platform.DatabaseURL(os.Getenv("VCAP_SERVICES")); url != "" {
		if err := os.Setenv("DATABASE_URL", url); err != nil {
			return codeSetenv, fmt.Errorf("unable to set DATABASE_URL: %w", err)
		}
	}
	if err := builder.Run(options); err != nil {
		return builder.ExitCode(err), err
	}
	return 0, nil
}
