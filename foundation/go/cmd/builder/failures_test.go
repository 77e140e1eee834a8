package main

import (
	"os"
	"testing"
)

const (
	noResult = "no result"
	metadata = "metadata only"
)

// Each row is one of the platform's exit codes (the builder's models.go) and what the result file then holds.
var failures = []struct {
	name, order, flag string
	buildpacks        map[string]scripts
	app               map[string]string
	code              int
	result, says      string
}{
	{
		name: "nothing detected", order: "a", flag: detecting, code: 222, result: noResult,
		buildpacks: map[string]scripts{"a": {"detect": "exit 1"}},
		says:       "None of the buildpacks detected a compatible application",
	}, {
		name: "compile fails", order: "a", code: 223, result: metadata, says: "Failed to compile droplet: ",
		buildpacks: map[string]scripts{"a": {"compile": "exit 7"}},
	}, {
		name: "script's status is the end of the log", order: "a", code: 223, result: metadata, says: "exit status 7\n",
		buildpacks: map[string]scripts{"a": {"compile": "exit 7"}},
	}, {
		name: "supply-only buildpack put last", order: "a", code: 223, result: metadata, says: "bin/compile: no such file",
		buildpacks: map[string]scripts{"a": {"supply": ""}},
	}, {
		name: "finalize fails", order: "a", code: 223, result: metadata,
		buildpacks: map[string]scripts{"a": {"finalize": "exit 1"}},
		says:       "Failed to compile droplet: Failed to run finalize script: exit status 1",
	}, {
		name: "final buildpack's supply fails", order: "s,a", code: 223, result: metadata,
		buildpacks: map[string]scripts{"s": {"supply": ""}, "a": {"supply": "exit 1", "finalize": "echo never"}},
		says:       "Failed to compile droplet: Failed to run all supply scripts: exit status 1",
	}, {
		name: "release fails", order: "a", code: 224, result: metadata,
		buildpacks: map[string]scripts{"a": {"compile": "", "release": "exit 1"}},
		says:       "Failed to build droplet release: exit status 1",
	}, {
		name: "release is missing", order: "a", code: 224, result: metadata,
		buildpacks: map[string]scripts{"a": {"compile": ""}},
	}, {
		name: "release prints no YAML map", order: "a", code: 224, result: metadata,
		buildpacks: map[string]scripts{"a": {"compile": "", "release": "echo 'a: b: c'"}},
		says:       "buildpack's release output invalid",
	}, {
		name: "non-final supply fails", order: "s,a", code: 225, result: noResult,
		buildpacks: map[string]scripts{"s": {"supply": "exit 22"}, "a": {"compile": "echo never"}},
		says:       "Failed to run all supply scripts: exit status 22",
	}, {
		name: "non-final buildpack without supply", order: "s,c,a", code: 225, result: noResult,
		buildpacks: map[string]scripts{"s": {"supply": "echo never"}, "c": {"compile": ""}, "a": {"compile": "echo never"}},
		says:       "one of the buildpacks chosen to supply dependencies does not support multi-buildpack apps",
	}, {
		name: "buildpack is not there", order: "a", code: 225, result: noResult,
	}, {
		name: "supply buildpack is not there", order: "gone,a", code: 225, result: noResult,
		buildpacks: map[string]scripts{"a": {"compile": "echo never"}},
	}, {
		name: "Procfile is no YAML map", order: "a", code: 1, result: metadata, says: "Failed to read command from Procfile",
		buildpacks: map[string]scripts{"a": {"compile": "", "release": "echo {}"}},
		app:        map[string]string{"Procfile": "web x"},
	}, {
		name: "launch.yml with a unit in memory", order: "s,a", code: 1, result: metadata, says: "64M",
		buildpacks: map[string]scripts{
			"s": {"supply": `echo 'processes: [{type: s, command: c, limits: {memory: 64M}}]' >$3/$4/launch.yml`},
			"a": {"compile": "", "release": "echo {}"},
		},
	}, {
		name: "platform options are no JSON", order: "a", code: 3, result: noResult, says: "platform options",
	}, {
		name: "credentials in CredHub", order: "a", code: 4, result: noResult, says: "credhub refs",
	},
}

var failureEnvironment = map[string][]string{
	"platform options are no JSON": {"VCAP_PLATFORM_OPTIONS=no"},
	"credentials in CredHub": {
		`VCAP_PLATFORM_OPTIONS={"credhub-uri":"https://h"}`, `VCAP_SERVICES={"s":[{"credentials":{"credhub-ref":"/c"}}]}`,
	},
}

func TestFailuresHaveTheirExitCodes(t *testing.T) {
	for _, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			s := newStaging(t)
			s.env = failureEnvironment[row.name]
			for key, files := range row.buildpacks {
				s.buildpack(key, files)
			}
			for name, text := range row.app {
				s.write(text, "app", name)
			}
			done := s.run(row.order, "-skipDetect="+map[bool]string{true: "false", false: "true"}[row.flag == detecting])
			s.equal(done.code, row.code)
			s.contains(done.stderr, row.says)
			s.equal(done.stdout, "")
			if s.exists("out", "cache") || s.exists("out", "droplet") {
				s.Error("a failed staging leaves a droplet or a cache")
			}
			if row.result == noResult {
				s.equal(s.exists("out", "result.json"), false)
				return
			}
			found := s.result()
			s.equal(found["process_types"], nil)
			s.equal(found["lifecycle_type"], "buildpack")
			s.equal(found["lifecycle_metadata"].(map[string]any)["buildpack_key"], "a")
		})
	}
}

func TestMissingExecuteBitIsPermissionDeniedWithTheStepsCode(t *testing.T) {
	for name, code := range map[string]int{"s": 225, "a": 223} {
		t.Run(name, func(t *testing.T) {
			s := newStaging(t)
			s.buildpack("s", scripts{"supply": ""})
			s.buildpack("a", scripts{"supply": "", "finalize": "", "release": "echo {}"})
			s.must(os.Chmod(s.path("buildpacks", xxh64(name), "bin", "supply"), 0o644))
			done := s.run("s,a")
			s.equal(done.code, code)
			s.contains(done.stderr, "permission denied")
		})
	}
}

func TestEmptyFlagsAreNamedAndExitOne(t *testing.T) {
	s := newStaging(t)
	done := s.run("", "-buildDir=", "-buildpacksDownloadDir=")
	s.equal(done.code, 1)
	for _, name := range []string{"buildpackOrder", "buildDir", "buildpacksDownloadDir"} {
		s.contains(done.stderr, "missing flag: -"+name)
	}
}

func TestNestedOutputMetadataBreaksTheResult(t *testing.T) {
	for name, nested := range map[string]string{"map": "{er: x}", "in a list": "[{er: x}]"} {
		t.Run(name, func(t *testing.T) {
			s := newStaging(t)
			s.buildpack("a", scripts{
				"finalize": `printf 'name: n\noutput_metadata: {flat: [1], deep: ` + nested + `}\n' >$3/$4/config.yml`,
				"release":  "echo {}",
			})
			s.equal(s.run("a").code, 1)
			s.equal(s.read("out", "result.json"), "")
		})
	}
}
