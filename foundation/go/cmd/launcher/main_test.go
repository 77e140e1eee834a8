package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Another program can be put in the place of ours: LAUNCHER=/path/to/launcher go test.
const (
	otherLauncher = "LAUNCHER"
	asLauncher    = "TEST_AS_LAUNCHER"
)

func TestMain(m *testing.M) {
	if os.Getenv(asLauncher) != "" {
		os.Unsetenv(asLauncher)
		main()
	}
	os.Exit(m.Run())
}

// droplet is an unpacked droplet, in place of /home/vcap.
type droplet struct {
	*testing.T
	root string
	env  []string
}

type outcome struct {
	code           int
	stdout, stderr string
}

const invoking = "Invoking pre-start scripts.\nInvoking start command.\n"

func newDroplet(t *testing.T) *droplet {
	t.Parallel()
	d := &droplet{T: t, root: t.TempDir()}
	d.write("", "app", "file")
	return d
}

func (d *droplet) write(text string, parts ...string) {
	d.Helper()
	path := filepath.Join(append([]string{d.root}, parts...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.Fatal(err)
	}
}

func (d *droplet) command(arguments ...string) (*exec.Cmd, *strings.Builder, *strings.Builder) {
	program := os.Getenv(otherLauncher)
	if program == "" {
		program = os.Args[0]
	}
	command := exec.Command(program, arguments...)
	command.Dir = d.root
	command.Env = append([]string{asLauncher + "=1", "PATH=" + os.Getenv("PATH")}, d.env...)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	return command, &stdout, &stderr
}

func (d *droplet) launch(arguments ...string) outcome {
	d.Helper()
	command, stdout, stderr := d.command(arguments...)
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		d.Fatal(err)
	}
	return outcome{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// says launches a command that succeeds and returns what it prints after the platform's two lines.
func (d *droplet) says(command string) string {
	d.Helper()
	done := d.launch("app", command, "")
	said, found := strings.CutPrefix(done.stdout, invoking)
	if done.code != 0 || !found {
		d.Fatalf("%+v", done)
	}
	return said
}

func (d *droplet) equal(got, want any) {
	d.Helper()
	if got != want {
		d.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestCommandRunsInTheAppWithThePlatformsFolders(t *testing.T) {
	d := newDroplet(t)
	d.equal(d.says(`pwd; echo $HOME $TMPDIR $DEPS_DIR`), d.root+"/app\n"+d.root+"/app "+d.root+"/tmp "+d.root+"/deps\n")
}

func TestScriptsAreSourcedInOrderBeforeTheCommand(t *testing.T) {
	d := newDroplet(t)
	d.write("echo profile; pwd; export P=1", "app", ".profile")
	d.write("echo app b", "app", ".profile.d", "b.sh")
	d.write("echo app a; false", "app", ".profile.d", "a.sh")
	d.write("echo bp 1", "profile.d", "1_x.sh")
	d.write("echo bp 0 $DEPS_DIR; pwd", "profile.d", "0_x.sh")
	done := d.launch("app", "echo command $P", "")
	d.equal(done.stdout, strings.Join([]string{
		"Invoking pre-start scripts.", "bp 0 " + d.root + "/deps", d.root + "/app", "bp 1", "app a", "app b", "profile",
		d.root + "/app", "Invoking start command.", "command 1", "",
	}, "\n"))
	d.equal(done.stderr, "")
}

func TestTrap30ScriptCanEndTheProcessOrSpoilTheCommand(t *testing.T) {
	for _, script := range [][]string{{"profile.d", "a.sh"}, {"app", ".profile.d", "a.sh"}, {"app", ".profile"}} {
		t.Run(filepath.Join(script...), func(t *testing.T) {
			d := newDroplet(t)
			d.write("exit 9", script...)
			d.equal(d.launch("app", "echo never", ""), outcome{9, "Invoking pre-start scripts.\n", ""})
			d.write("set -- first 'echo other'", script...)
			d.equal(d.says("echo mine"), "other\n")
			d.write(`echo "$#" >&2`, script...)
			d.equal(d.launch("app", "true", "").stderr, "2\n")
		})
	}
}

func TestScriptWithASpaceInItsNameIsNotFoundAndTheRestGoesOn(t *testing.T) {
	for _, folder := range [][]string{{"profile.d"}, {"app", ".profile.d"}} {
		t.Run(filepath.Join(folder...), func(t *testing.T) {
			d := newDroplet(t)
			d.write("echo spaced", append(folder, "a b.sh")...)
			d.write("echo next", append(folder, "c.sh")...)
			done := d.launch("app", "echo command", "")
			d.equal(done.stdout, "Invoking pre-start scripts.\nnext\nInvoking start command.\ncommand\n")
			d.equal(strings.Contains(done.stderr, "profile.d/a: No such file or directory"), true)
		})
	}
}

func TestFolderAmongTheScriptsIsAnErrorThatGoesOn(t *testing.T) {
	d := newDroplet(t)
	d.write("", "profile.d", "folder", "file")
	done := d.launch("app", "echo command", "")
	d.equal(done.stdout, invoking+"command\n")
	d.equal(strings.Contains(done.stderr, "source: ../profile.d/folder: is a directory"), true)
}

func TestScriptMadeByAnEarlierOneIsSourced(t *testing.T) {
	d := newDroplet(t)
	d.write(`mkdir -p .profile.d; echo 'A=made' >.profile.d/a.sh; echo 'export B=$A' >.profile`, "profile.d", "a.sh")
	d.equal(d.says("echo $B"), "made\n")
}

func TestProcessIdIsTheLaunchersAndItsStatusTheCommands(t *testing.T) {
	d := newDroplet(t)
	command, stdout, _ := d.command("app", "echo $$; exit 42", "")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	pid := command.Process.Pid
	command.Wait()
	d.equal(command.ProcessState.ExitCode(), 42)
	raw, _ := json.Marshal(pid)
	d.equal(stdout.String(), invoking+string(raw)+"\n")
	d.equal(d.launch("app", "/no/such/program", "").code, 127)
}

func TestCommandFallsBackToStagingInfo(t *testing.T) {
	d := newDroplet(t)
	d.write(`{"detected_buildpack":"b","start_command":"echo staged"}`, "staging_info.yml")
	d.equal(d.says(""), "staged\n")
	d.equal(d.says("echo given"), "given\n")
}

func TestEntrypointPrefixTakesThePlaceOfBash(t *testing.T) {
	d := newDroplet(t)
	d.write("start_command: a b\nconfig:\n  entrypoint_prefix: printf in:%s\n", "staging_info.yml")
	d.equal(d.says(""), "in:a b")
	d.equal(d.says("c d"), "in:c d")
}

func TestWithoutCommandOrWithUnreadableInfoItExitsOne(t *testing.T) {
	d := newDroplet(t)
	done := d.launch("app", "", "")
	d.equal(done.code, 1)
	d.equal(strings.Contains(done.stderr, "no start command specified or detected in droplet"), true)
	d.write("}: no", "staging_info.yml")
	d.equal(d.launch("app", "echo given", "").code, 1)
}

func TestFewerThanThreeArgumentsExitOne(t *testing.T) {
	d := newDroplet(t)
	done := d.launch("app", "echo x")
	d.equal(done.code, 1)
	d.equal(strings.Contains(done.stderr, "received only 2 arguments"), true)
}

func TestApplicationDescriptionGetsTheInstancesFacts(t *testing.T) {
	d := newDroplet(t)
	d.env = []string{`VCAP_APPLICATION={"name":"n","host":"x"}`, "PORT=8080", "INSTANCE_INDEX=2", "INSTANCE_GUID=g"}
	d.equal(d.says("echo $VCAP_APPLICATION"),
		`{"host":"0.0.0.0","instance_id":"g","instance_index":2,"name":"n","port":8080}`+"\n")
	d.env = []string{`VCAP_APPLICATION={"name":"n"}`, "PORT=", "INSTANCE_INDEX=no"}
	d.equal(d.says("echo $VCAP_APPLICATION"), `{"host":"0.0.0.0","instance_id":"","name":"n"}`+"\n")
	d.env = []string{"VCAP_APPLICATION=no JSON"}
	d.equal(d.says("echo $VCAP_APPLICATION"), "no JSON\n")
}

func TestDatabaseURLOverridesTheUsers(t *testing.T) {
	d := newDroplet(t)
	d.env = []string{"DATABASE_URL=mine", `VCAP_SERVICES={"s":[{"credentials":{"uri":"postgresql://u:p@h/d"}}]}`}
	d.equal(d.says("echo $DATABASE_URL"), "postgres://u:p@h/d\n")
	d.env = []string{"DATABASE_URL=mine", "VCAP_SERVICES={}"}
	d.equal(d.says("echo $DATABASE_URL"), "mine\n")
}

func TestPlatformOptionsAreHiddenOrRefused(t *testing.T) {
	d := newDroplet(t)
	d.env = []string{`VCAP_PLATFORM_OPTIONS={"credhub-uri":"https://h"}`}
	d.equal(d.says("echo ${VCAP_PLATFORM_OPTIONS-gone}"), "gone\n")
	d.env = []string{"VCAP_PLATFORM_OPTIONS=no"}
	d.equal(d.launch("app", "true", "").code, 3)
	refs := `VCAP_SERVICES={"s":[{"credentials":{"credhub-ref":"/c"}}]}`
	d.env = []string{`VCAP_PLATFORM_OPTIONS={"credhub-uri":"https://h"}`, refs}
	d.equal(d.launch("app", "true", "").code, 3)
	d.env = append(d.env, "CREDHUB_SKIP_INTERPOLATION=1")
	d.says("true")
}
