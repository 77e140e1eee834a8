package main

import (
	"archive/zip"
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestZipByURLIsUnpackedWithModesAndLinks(t *testing.T) {
	s := newStaging(t)
	archive := zipped(t, map[string]string{
		"root/bin/finalize": "#!/bin/bash\ncat \"$(dirname $0)/../note\"; stat -c %a $0\n",
		"root/bin/release":  "#!/bin/bash\necho {}\n", "root/real": "by link\n",
	}, map[string]string{"root/note": "real"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(archive) }))
	defer server.Close()
	done := s.stage(server.URL + "/some/buildpack.zip?x=1")
	s.contains(done.stdout, "Downloaded buildpack `"+server.URL+"/some/buildpack.zip?x=1` (")
	s.contains(done.stdout, "by link\n755\n")
}

// zipped makes a zip of executable files and of symbolic links.
func zipped(t *testing.T, files, links map[string]string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	add := func(name, text string, mode os.FileMode) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(mode)
		entry, err := writer.CreateHeader(header)
		if err == nil {
			_, err = entry.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		add(name, text, 0o755)
	}
	for name, target := range links {
		add(name, target, 0o777|os.ModeSymlink)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// repository makes a git repository whose main says "newest", and whose tag v1 and branch old say "first".
func repository(s *staging) string {
	s.Helper()
	git := func(words ...string) {
		s.Helper()
		command := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=e@x"}, words...)...)
		command.Dir = s.path("repos", "bp")
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if said, err := command.CombinedOutput(); err != nil {
			s.Fatalf("git %v: %v\n%s", words, err, said)
		}
	}
	s.buildpackAt("repos/bp", scripts{"finalize": "echo first", "release": "echo {}"})
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	git("tag", "v1")
	git("branch", "old")
	s.buildpackAt("repos/bp", scripts{"finalize": "echo newest"})
	git("commit", "-q", "-a", "-m", "second")
	return s.path("repos", "bp")
}

func TestGitURLClonesTheBranchOrTagOfTheFragment(t *testing.T) {
	for fragment, want := range map[string]string{"none": "newest\n", "v1": "first\n", "old": "first\n"} {
		t.Run(fragment, func(t *testing.T) {
			s := newStaging(t)
			key := "file://" + repository(s)
			if fragment != "none" {
				key += "#" + fragment
			}
			s.equal(s.stage(key).stdout, want)
		})
	}
}

func TestGitProtocolURLIsCloned(t *testing.T) {
	s := newStaging(t)
	folder := filepath.Dir(repository(s))
	address := gitDaemon(s, folder)
	s.equal(s.stage("git://"+address+"/bp#v1").stdout, "first\n")
}

// gitDaemon serves repositories over the git protocol: git's own daemon, one process a connection.
func gitDaemon(s *staging, folder string) string {
	s.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			file, err := connection.(*net.TCPConn).File()
			connection.Close()
			if err != nil {
				return
			}
			command := exec.Command("git", "daemon", "--inetd", "--export-all", "--base-path="+folder)
			command.Stdin, command.Stdout = file, file
			command.Run()
			file.Close()
		}
	}()
	return listener.Addr().String()
}

func TestGitURLThatCannotBeClonedExitsOneAndSaysWhy(t *testing.T) {
	s := newStaging(t)
	done := s.run("file://" + repository(s) + "#nothing")
	s.equal(done.code, 1)
	s.contains(strings.ToLower(done.stderr), "failed to clone git repository at file://")
}

func TestURLThatIsNoneExitsOne(t *testing.T) {
	s := newStaging(t)
	done := s.run("git@example.com:a/b.git")
	s.equal(done.code, 1)
	s.contains(strings.ToLower(done.stderr), "invalid buildpack url")
}
