// The router sends requests to app instances by Host header and path (`serve`), or hands out objects of a
// bucket, to readers only (`front`).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"foundation/internal/front"
	"foundation/internal/router"
)

const (
	headerTimeout = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 5 * time.Second
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("say which: router serve or router front, with -h for their flags")
	}
	flags := flag.NewFlagSet("router "+arguments[0], flag.ContinueOnError)
	listen := flags.String("listen", "", "`address:port` to serve on")
	var values []*string
	switch arguments[0] {
	case "serve":
		values = []*string{listen, flags.String("admin", "", "unix `socket` that takes the routing table")}
	case "front":
		values = []*string{
			listen, flags.String("upstream", "", "`URL` of the store"), flags.String("prefix", "", "`path` to read below"),
		}
	default:
		return fmt.Errorf("unknown mode %q: it is serve or front", arguments[0])
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	for _, value := range values {
		if *value == "" || flags.NArg() > 0 {
			flags.Usage()
			return errors.New("every flag is needed, and nothing else")
		}
	}
	if arguments[0] == "serve" {
		return serveApps(ctx, *listen, *values[1])
	}
	handler, err := front.New(*values[1], *values[2])
	if err != nil {
		return err
	}
	return serve(ctx, *listen, handler)
}

// serveApps takes the port first: a second router must not take the first one's socket.
func serveApps(ctx context.Context, listen, admin string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	socket, err := listenAdmin(admin)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	table := router.NewTable()
	go untilDone(ctx, router.NewAdmin(table), socket)
	fmt.Printf("listening %s\n", listener.Addr())
	return untilDone(ctx, router.NewProxy(table), listener)
}

func serve(ctx context.Context, listen string, handler http.Handler) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("listening %s\n", listener.Addr())
	return untilDone(ctx, handler, listener)
}

// listenAdmin makes a socket that only this user can open; one that nobody listens to any more is replaced.
func listenAdmin(path string) (net.Listener, error) {
	if connection, err := net.Dial("unix", path); err == nil {
		connection.Close()
		return nil, fmt.Errorf("another router listens on %s", path)
	}
	if about, err := os.Lstat(path); err == nil && about.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is there and is no socket", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}

// untilDone serves until the context ends, then lets open requests finish for a while.
func untilDone(ctx context.Context, handler http.Handler, listener net.Listener) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return server.Close() // what is still open after that time is cut
	}
	return nil
}
