// The supervisor is PID 1 of an app's container: it starts the app's process and its sidecars, tags what they
// print, and ends them all as soon as one of them ends. Argument: the instance's description, a JSON file.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"foundation/internal/supervisor"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT) // first: the kernel drops what PID 1 does not handle
	if len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: %s <instance.json>\n", os.Args[0])
		os.Exit(2)
	}
	instance, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervisor: the instance's description cannot be read:", err)
		os.Exit(2)
	}
	os.Exit(supervisor.Run(instance, os.Stdout, stop))
}

// read also removes the file, since it holds the app's environment; where it cannot, only root reads it.
func read(path string) (supervisor.Instance, error) {
	var instance supervisor.Instance
	raw, err := os.ReadFile(path)
	if err != nil {
		return instance, err
	}
	os.Remove(path)
	if err := json.Unmarshal(raw, &instance); err != nil {
		return instance, err
	}
	if len(instance.Processes) == 0 {
		return instance, fmt.Errorf("%s names no processes", path)
	}
	return instance, nil
}
