package supervisor

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// spawn starts a process in a session of its own, so that a `kill 0` in it reaches none of the others.
func spawn(instance Instance, process Process, log *journal) (int, []*stream, error) {
	if len(process.Argv) == 0 {
		return 0, nil, errors.New("it has no command")
	}
	attributes := &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: instance.UID, Gid: instance.GID}
	}
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer stdin.Close()
	files := []*os.File{stdin}
	var streams []*stream
	for _, name := range []string{"OUT", "ERR"} {
		reader, writer, err := pipe(instance.UID)
		if err != nil {
			return 0, nil, errors.Join(err, closeAll(streams))
		}
		defer writer.Close()
		files = append(files, writer)
		streams = append(streams, newStream(reader, log, process.Source, name))
	}
	started, err := os.StartProcess(process.Argv[0], process.Argv, &os.ProcAttr{
		Dir: instance.Dir, Env: environment(process.Env, instance.Ports), Files: files, Sys: attributes,
	})
	if err != nil {
		return 0, nil, errors.Join(err, closeAll(streams))
	}
	pid := started.Pid
	return pid, streams, started.Release() // it is waited for by number, with the orphans
}

func closeAll(streams []*stream) error {
	var failures []error
	for _, stream := range streams {
		failures = append(failures, stream.file.Close())
	}
	return errors.Join(failures...)
}

// pipe returns a pipe that belongs to a user: who opens /dev/stdout opens the pipe anew, and only its owner may.
// The owner is the file system user of the thread that makes it; chown would need one more capability.
func pipe(owner uint32) (*os.File, *os.File, error) {
	if os.Getuid() != 0 {
		return os.Pipe()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(int(owner)); err != nil {
		return nil, nil, err
	}
	reader, writer, err := os.Pipe()
	return reader, writer, errors.Join(err, syscall.Setfsuid(0))
}
