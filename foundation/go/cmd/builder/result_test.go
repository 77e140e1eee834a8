package main

import "testing"

// launch is a supply script that writes launch.yml.
func launch(yaml string) scripts {
	return scripts{"supply": "cat >$3/$4/launch.yml <<'END'\n" + yaml + "\nEND"}
}

func final(release string) scripts {
	return scripts{"finalize": "", "release": "cat <<'END'\n" + release + "\nEND"}
}

func TestResultListsProcessesSidecarsAndBuildpacks(t *testing.T) {
	s := newStaging(t)
	s.buildpack("side", scripts{"supply": launch(`
processes:
- {type: config-server, command: ./config-server, platforms: {cloudfoundry: {sidecar_for: [web, worker]}}, limits: {memory: 16}, later: 1}
- {type: helper, command: h, platforms: {cloudfoundry: {sidecar_for: [web]}}}
- {type: worker, command: w, limits: {memory: 99}}`)["supply"] + `
printf 'name: side\nversion: "1.2.3"\noutput_metadata: {sum: abc}\nother: 1\n' >$3/$4/config.yml`})
	s.buildpack("last", scripts{
		"finalize": `printf 'name: last\nconfig: {entrypoint_prefix: "wrap -x"}\n' >$3/$4/config.yml`,
		"release":  "echo 'default_process_types: {web: run}'; echo 'addons: [x]'",
	})
	s.stage("side,last")
	s.equal(s.result(), decode(t, `{
		"lifecycle_type": "buildpack", "execution_metadata": "",
		"process_types": {"web": "run", "worker": "w"},
		"processes": [{"type": "worker", "command": "w"}, {"type": "web", "command": "run"}],
		"sidecars": [
			{"name": "config-server", "process_types": ["web", "worker"], "command": "./config-server", "memory": 16},
			{"name": "helper", "process_types": ["web"], "command": "h"}
		],
		"lifecycle_metadata": {
			"buildpack_key": "last", "detected_buildpack": "last",
			"buildpacks": [
				{"key": "side", "name": "side", "version": "1.2.3", "output_metadata": {"sum": "abc"}},
				{"key": "last", "name": "last", "config": {"entrypoint_prefix": "wrap -x"}}
			]
		}
	}`))
	s.equal(decode(t, s.entries("out", "droplet")["./staging_info.yml"]), decode(t, `{
		"detected_buildpack": "last", "start_command": "run", "config": {"entrypoint_prefix": "wrap -x"}
	}`))
}

func TestLaterSourcesReplaceTheWholeEntryOfTheSameType(t *testing.T) {
	s := newStaging(t)
	s.buildpack("one", launch(`processes: [{type: web, command: one}, {type: a, command: one}, {type: b, command: one}]`))
	s.buildpack("two", launch(`processes: [{type: web, command: two}, {type: b, command: two}]`))
	s.buildpack("last", final("default_process_types: {web: last}"))
	s.write("b: procfile\nc: procfile\n", "app", "Procfile")
	s.stage("one,two,last")
	s.equal(s.result()["process_types"], map[string]any{"web": "last", "a": "one", "b": "procfile", "c": "procfile"})
}

func TestFinalLaunchYMLTakesThePlaceOfRelease(t *testing.T) {
	s := newStaging(t)
	s.buildpack("last", scripts{
		"supply": launch("processes: [{type: web, command: launch}]")["supply"], "finalize": "", "release": "exit 1",
	})
	s.stage("last")
	s.equal(s.result()["process_types"], map[string]any{"web": "launch"})
}

func TestProcfileLineWithTheSidecarsNameMakesItAProcess(t *testing.T) {
	s := newStaging(t)
	s.buildpack("side", launch(`processes: [{type: cs, command: ./cs, platforms: {cloudfoundry: {sidecar_for: [web]}}}]`))
	s.buildpack("last", final("default_process_types: {web: run}"))
	s.write("cs: mine\n", "app", "Procfile")
	s.stage("side,last")
	found := s.result()
	s.equal(found["sidecars"], nil)
	s.equal(found["process_types"], map[string]any{"cs": "mine", "web": "run"})
}

func TestNothingToStartIsAWarningAndEmptyMaps(t *testing.T) {
	s := newStaging(t)
	s.buildpack("last", final(""))
	done := s.stage("last")
	s.contains(done.stderr, "No start command specified by buildpack or via Procfile.\n")
	s.contains(done.stderr, "App will not start unless a command is provided at runtime.\n")
	s.contains(s.read("out", "result.json"), `"process_types":{},"execution_metadata":""`)
}

func TestBrokenConfigYMLCostsTheNameOnly(t *testing.T) {
	s := newStaging(t)
	s.buildpack("last", scripts{"finalize": "echo '}: no' >$3/$4/config.yml", "release": "echo {}"})
	s.stage("last")
	s.contains(s.read("out", "result.json"), `"buildpacks":[{"key":"last","name":""}]`)
}

func TestProcfileAcceptsWhatTheOfficialDecoderAccepts(t *testing.T) {
	s := newStaging(t)
	s.buildpack("last", final("{}"))
	s.write("web: 1\nweb: 2\nempty:\n", "app", "Procfile")
	s.stage("last")
	s.equal(s.result()["process_types"], map[string]any{"web": "2", "empty": ""})
}
