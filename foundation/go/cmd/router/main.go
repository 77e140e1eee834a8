// The router sends requests to app instances by Host header and path (`serve`), or hands out objects of a
// bucket, to readers only (`front`).
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
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
	switch arguments[0] {
	case "serve":
		admin := flags.String("admin", "", "unix `socket` that takes the routing table")
		secure := secured{
			listen:      flags.String("tls-listen", "", "`address:port` to serve TLS on too, or nothing"),
			certificate: flags.String("certificate", "", "its certificate, a `file`"),
			key:         flags.String("key", "", "its key, a `file`"),
		}
		if err := parse(flags, arguments[1:], listen, admin); err != nil {
			return err
		}
		return serveApps(ctx, *listen, secure, *admin)
	case "front":
		upstream, prefix := flags.String("upstream", "", "`URL` of the store"), flags.String("prefix", "", "`path` to read below")
		if err := parse(flags, arguments[1:], listen, upstream, prefix); err != nil {
			return err
		}
		return serveStore(ctx, *listen, *upstream, *prefix)
	}
	return fmt.Errorf("unknown mode %q: it is serve or front", arguments[0])
}

func parse(flags *flag.FlagSet, arguments []string, needed ...*string) error {
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	for _, value := range needed {
		if *value == "" || flags.NArg() > 0 {
			flags.Usage()
			return errors.New("every flag but those of TLS is needed, and nothing else")
		}
	}
	return nil
}

// serveApps takes the ports first: a second router must not take the first one's socket.
func serveApps(ctx context.Context, listen string, secure secured, admin string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	listeners, err := secure.listenToo(listener)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	socket, err := listenAdmin(admin)
	if err != nil {
		return err // the end of the process frees the ports
	}
	table, accesses := router.NewTable(), router.NewAccesses()
	go untilDone(ctx, router.NewAdmin(table, accesses), socket)
	tell(listeners)
	return untilDone(ctx, router.NewProxy(table, accesses), listeners...)
}

func serveStore(ctx context.Context, listen, upstream, prefix string) error {
	handler, err := front.New(upstream, prefix)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	tell([]net.Listener{listener})
	return untilDone(ctx, handler, listener)
}

// tell prints the line that whoever started us waits for.
func tell(listeners []net.Listener) {
	words := []string{"listening"}
	for _, listener := range listeners {
		words = append(words, listener.Addr().String())
	}
	fmt.Println(strings.Join(words, " "))
}

// secured is where and with what TLS is served.
type secured struct{ listen, certificate, key *string }

// listenToo returns the listener with one for TLS after it, where that is wished for.
func (s secured) listenToo(plain net.Listener) ([]net.Listener, error) {
	if *s.listen == "" {
		return []net.Listener{plain}, nil
	}
	pair, err := tls.LoadX509KeyPair(*s.certificate, *s.key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	listener, err := tls.Listen("tcp", *s.listen, config)
	if err != nil {
		return nil, err
	}
	return []net.Listener{plain, listener}, nil
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
func untilDone(ctx context.Context, handler http.Handler, listeners ...net.Listener) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
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
