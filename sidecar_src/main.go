// Config-server is a sidecar: it runs beside an app and answers its questions for configuration on loopback.
//
// It listens on 127.0.0.1:$CONFIG_SERVER_PORT. Exit codes: 0 after SIGTERM, 1 where it cannot serve, 2 for
// arguments that it does not know.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// drainTime is below the ten seconds that the platform gives a process between SIGTERM and SIGKILL.
const drainTime = 8 * time.Second

// headerTime is how long a client may take for its request's headers.
var headerTime = 5 * time.Second

// Set by the build: the version, and what sidecar.yml calls the program and the variable of its port.
var (
	version      = "dev"
	name         = "config-server"
	portVariable = "CONFIG_SERVER_PORT"
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv(portVariable), os.Stdout, os.Stderr))
}

func run(arguments []string, port string, stdout, stderr io.Writer) int {
	if len(arguments) == 1 && arguments[0] == "--version" {
		fmt.Fprintln(stdout, name, version)
		return 0
	}
	if len(arguments) > 0 {
		fmt.Fprintf(stderr, "Error: unknown argument %q; the only one is --version\n", arguments[0])
		return 2
	}
	listener, err := listen(port)
	if err != nil {
		fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	fmt.Fprintf(stdout, "%s %s listens on %s\n", name, version, listener.Addr())
	logger := log.New(stdout, "", 0)
	if err := serve(ctx, listener, handler(logger), logger); err != nil {
		fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	return 0
}

// listen opens the port on loopback only: the configuration is for this container's processes alone.
func listen(port string) (net.Listener, error) {
	if port == "" {
		return nil, errors.New("missing $" + portVariable)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return nil, fmt.Errorf("$%s is %q, which is no port number (1 to 65535)", portVariable, port)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %s ($%s) is taken by another process of the container", port, portVariable)
	}
	return listener, err
}

// serve answers until the context ends, then lets the requests that it has read finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *log.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          logger,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return server.Shutdown(drain)
}
