package main

import (
	"crypto/md5"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traced is a buildpack whose scripts print their name and arguments.
func traced(names ...string) scripts {
	found := scripts{}
	for _, name := range names {
		found[name] = `echo ` + name + ` "$@" >&2; pwd >&2`
	}
	return found
}

func TestSeveralBuildpacksRunSuppliesThenFinalWithTheDocumentedArguments(t *testing.T) {
	s := newStaging(t)
	s.buildpack("one", traced("supply", "finalize", "detect"))
	s.buildpack("two", traced("supply"))
	s.buildpack("last", scripts{
		"supply": traced("supply")["supply"], "finalize": traced("finalize")["finalize"], "release": "echo {}",
	})
	done := s.stage("one,two,last")
	contents := regexp.MustCompile(`\S*/tmp/contents\d+`).FindString(done.stderr)
	said := strings.ReplaceAll(strings.ReplaceAll(done.stderr, contents, "CONTENTS"), s.root, "")
	s.equal(said, strings.Join([]string{
		"supply /app /cache/" + xxh64("one") + " CONTENTS/deps 0", "/home",
		"supply /app /cache/" + xxh64("two") + " CONTENTS/deps 1", "/home",
		"supply /app /cache/final CONTENTS/deps 2", "/home",
		"finalize /app /cache/final CONTENTS/deps 2 CONTENTS/profile.d", "/home",
		"No start command specified by buildpack or via Procfile.",
		"App will not start unless a command is provided at runtime.", "",
	}, "\n"))
	if s.exists("tmp", contents) {
		s.Error("the work tree is left behind")
	}
}

func TestDepsAndCacheFoldersExistBeforeTheFirstScript(t *testing.T) {
	s := newStaging(t)
	s.buildpack("one", scripts{"supply": `ls $3; ls $2/..; ls -a $3/../profile.d; stat -c %a $3/..`})
	s.buildpack("last", scripts{"finalize": "", "release": "echo {}"})
	done := s.stage("one,last")
	caches := []string{xxh64("one"), "final"}
	slices.Sort(caches)
	s.equal(done.stdout, "0\n1\n"+strings.Join(caches, "\n")+"\n.\n..\n700\n")
}

func TestScriptsInheritTheEnvironmentUnchanged(t *testing.T) {
	s := newStaging(t)
	s.env = []string{"MINE=1", "VCAP_SERVICES={}"}
	s.buildpack("last", scripts{"finalize": "env | grep -v -e ^_= -e ^SHLVL= -e ^PWD= | sort", "release": "echo {}"})
	done := s.stage("last")
	want := []string{
		"GIT_CONFIG_GLOBAL=/dev/null\n", "HOME=" + s.path("home") + "\n", "MINE=1\n",
		"PATH=" + os.Getenv("PATH") + "\n", "TMPDIR=" + s.path("tmp") + "\n", "VCAP_SERVICES={}\n",
	}
	got := slices.DeleteFunc(lines(done.stdout), func(line string) bool { return strings.HasPrefix(line, asBuilder) })
	s.equal(got, want)
}

func TestDatabaseURLComesFromTheFirstDatabaseService(t *testing.T) {
	s := newStaging(t)
	s.env = []string{`VCAP_SERVICES={"a":[{"credentials":{"uri":"redis://r"}}],"b":[{"credentials":{"uri":"mysql://u:p@h/d?x=1"}}]}`}
	s.buildpack("last", scripts{"finalize": "echo $DATABASE_URL", "release": "echo {}"})
	s.equal(s.stage("last").stdout, "mysql2://u:p@h/d?x=1\n")
}

func TestCompileOnlyBuildpackAsLastLosesItsDepsFolderAndIsWarnedOf(t *testing.T) {
	s := newStaging(t)
	s.buildpack("one", scripts{"supply": ""})
	s.buildpack("last", scripts{"supply": "echo never", "compile": `echo compile "$@"`, "release": "echo {}"})
	done := s.stage("one,last")
	s.equal(done.stdout, fmt.Sprintf("compile %s %s\n", s.path("app"), s.path("cache", "final")))
	s.contains(done.stderr, "Warning: the last buildpack is not compatible with multi-buildpack apps")
	inside := s.entries("out", "droplet")
	if _, there := inside["./deps/1/"]; there {
		s.Error("the compile-only buildpack's deps folder is in the droplet")
	}
	if _, there := inside["./deps/0/"]; !there {
		s.Error("the supply buildpack's empty deps folder is not in the droplet")
	}
}

func TestCompileOnlyBuildpackAloneIsNotWarnedOf(t *testing.T) {
	s := newStaging(t)
	s.buildpack("last", scripts{"compile": "", "release": "echo 'default_process_types: {web: x}'"})
	s.equal(s.stage("last").stderr, "")
}

func TestDropletHoldsTheContentsUnderDot(t *testing.T) {
	s := newStaging(t)
	s.write("hello", "app", "file")
	s.must(os.Symlink("file", s.path("app", "link")))
	s.buildpack("one", scripts{"supply": "mkdir $3/$4/bin; echo tool >$3/$4/bin/tool"})
	s.buildpack("last", scripts{"finalize": "echo export A=1 >$5/a.sh", "release": "echo 'default_process_types: {web: x}'"})
	s.stage("one,last")
	inside := s.entries("out", "droplet")
	s.equal(slices.Sorted(maps.Keys(inside)), []string{
		"./", "./app/", "./app/file", "./app/link", "./deps/", "./deps/0/", "./deps/0/bin/", "./deps/0/bin/tool",
		"./deps/1/", "./logs/", "./profile.d/", "./profile.d/a.sh", "./staging_info.yml", "./tmp/",
	})
	s.equal(inside["./app/file"]+inside["./deps/0/bin/tool"], "hellotool\n")
	s.equal(inside["./staging_info.yml"], `{"detected_buildpack":"","start_command":"x"}`+"\n")
}

func TestCacheKeepsWhatItsOwnersWroteAndDropsTheRest(t *testing.T) {
	s := newStaging(t)
	s.write("old", "cache", xxh64("one"), "mine")
	s.write("old", "cache", xxh64("gone"), "other")
	s.write("old", "cache", xxh64("last"), "moved")
	s.write("old", "cache", "stray")
	s.buildpack("one", scripts{"supply": "cat $2/mine; echo new >$2/new"})
	s.buildpack("last", scripts{"finalize": "ls $2; echo final >$2/f", "release": "echo {}"})
	s.equal(s.stage("one,last").stdout, "old")
	s.equal(slices.Sorted(maps.Keys(s.entries("out", "cache"))), sorted(
		"./", "./final/", "./final/f", "./"+xxh64("one")+"/", "./"+xxh64("one")+"/mine", "./"+xxh64("one")+"/new",
	))
}

func sorted(names ...string) []string {
	slices.Sort(names)
	return names
}

func TestBuildpackIsFoundByOlderHashAndInItsOnlySubfolder(t *testing.T) {
	final := scripts{"finalize": "", "release": "echo {}"}
	for name, folder := range map[string]string{
		"by MD5":            fmt.Sprintf("%x", md5.Sum([]byte("key"))),
		"nested":            xxh64("key") + "/inner-1.0",
		"by MD5 and nested": fmt.Sprintf("%x/inner", md5.Sum([]byte("key"))),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStaging(t)
			s.buildpackAt("buildpacks/"+folder, final)
			s.stage("key")
		})
	}
}

func TestTenBuildpacksPadTheIndexSoThatLaunchYMLIsNotFound(t *testing.T) {
	s := newStaging(t)
	var keys []string
	for number := range 9 {
		keys = append(keys, fmt.Sprint("bp", number))
		s.buildpack(keys[number], scripts{"supply": `echo -n "$4 "; echo 'processes: [{type: lost, command: c}]' >$3/$4/launch.yml`})
	}
	s.buildpack("last", scripts{
		"finalize": `echo $4; ls $3/; echo 'processes: [{type: web, command: lost}]' >$3/$4/launch.yml`,
		"release":  "echo 'default_process_types: {web: release}'",
	})
	done := s.stage(strings.Join(append(keys, "last"), ","))
	s.equal(lines(done.stdout)[0], "00 01 02 03 04 05 06 07 08 09\n")
	s.equal(s.result()["process_types"], map[string]any{"web": "release"})
}

func TestElevenBuildpacksStillFindTheFinalOnesLaunchYML(t *testing.T) {
	s := newStaging(t)
	var keys []string
	for number := range 10 {
		keys = append(keys, fmt.Sprint("bp", number))
		s.buildpack(keys[number], scripts{"supply": ""})
	}
	s.buildpack("last", scripts{
		"finalize": `echo 'processes: [{type: web, command: launch}]' >$3/$4/launch.yml`, "release": "exit 1",
	})
	s.stage(strings.Join(append(keys, "last"), ","))
	s.equal(s.result()["process_types"], map[string]any{"web": "launch"})
}
