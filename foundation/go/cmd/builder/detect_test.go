package main

import (
	"os"
	"testing"
)

const detecting = "-skipDetect=false"

func TestDetectUsesTheFirstThatSaysYesAndNothingElse(t *testing.T) {
	s := newStaging(t)
	s.buildpack("no", scripts{"detect": "exit 1", "supply": "echo never"})
	s.buildpack("yes", scripts{
		"detect": `echo "name of $(basename $1)"; echo`, "finalize": `echo "$4"; ls $3; ls $2/..`,
		"release": "echo 'default_process_types: {web: run}'",
	})
	s.buildpack("later", scripts{"detect": "echo later"})
	s.write("", "cache", xxh64("no"), "stale")
	s.equal(s.stage("no,yes,later", detecting).stdout, "0\n0\nfinal\n")
	s.equal(s.result()["lifecycle_metadata"], map[string]any{
		"buildpack_key": "yes", "detected_buildpack": "name of app",
		"buildpacks": []any{map[string]any{"key": "yes", "name": "name of app"}},
	})
}

func TestDetectNamePrefersConfigYML(t *testing.T) {
	s := newStaging(t)
	s.buildpack("yes", scripts{
		"detect": "echo detected", "finalize": `echo 'name: configured' >$3/$4/config.yml`, "release": "echo {}",
	})
	s.stage("yes", detecting)
	s.contains(s.read("out", "result.json"), `"detected_buildpack":"configured"`)
}

func TestDetectPassesOverMalformedAndNonExecutableBuildpacks(t *testing.T) {
	s := newStaging(t)
	s.write("", "buildpacks", xxh64("malformed"), "README")
	s.buildpack("undetectable", scripts{"supply": ""})
	s.buildpack("locked", scripts{"detect": ""})
	s.must(os.Chmod(s.path("buildpacks", xxh64("locked"), "bin", "detect"), 0o644))
	s.buildpack("yes", scripts{"detect": "", "finalize": "", "release": "echo {}"})
	done := s.stage("malformed,missing,undetectable,locked,yes", detecting)
	s.contains(done.stderr, "malformed buildpack does not contain a /bin dir: malformed")
	s.contains(done.stdout, "WARNING: buildpack script '/bin/detect' is not executable")
	s.contains(s.read("out", "result.json"), `"buildpack_key":"yes"`)
}

func TestDetectAmongSeveralIgnoresLaunchYML(t *testing.T) {
	final := scripts{
		"detect": "", "finalize": `echo 'processes: [{type: web, command: launch}]' >$3/$4/launch.yml`,
		"release": "echo 'default_process_types: {web: release}'",
	}
	for order, want := range map[string]string{"yes": "launch", "yes,other": "release"} {
		t.Run(order, func(t *testing.T) {
			s := newStaging(t)
			s.buildpack("yes", final)
			s.stage(order, detecting)
			s.equal(s.result()["process_types"], map[string]any{"web": want})
		})
	}
}
