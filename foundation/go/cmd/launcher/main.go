// The launcher starts one process of an app: it prepares the environment, then becomes bash, which sources the
// buildpacks' scripts and becomes the start command. Arguments: APP_DIR COMMAND METADATA, all three required.
package main

import (
	"fmt"
	"os"

	"foundation/internal/launcher"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintf(os.Stderr, "%s: received only %d arguments\n", os.Args[0], len(os.Args)-1)
		fmt.Fprintf(os.Stderr, "usage: %s <app-directory> <start-command> <metadata>\n", os.Args[0])
		os.Exit(1)
	}
	code, err := launcher.Launch(os.Args[1], os.Args[2])
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(code)
}
