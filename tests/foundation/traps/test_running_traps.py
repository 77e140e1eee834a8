"""The traps of running, each in a real container."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from foundation.running.restarts import Restarts
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import Lines, process, sidecar
from tests.foundation.running.runners import MakeRunner, reaches
from tests.foundation.staging.stagings import FINAL, Request, supply

pytestmark = pytest.mark.engine

BY_ITS_NAME = """mkdir $3/$4/bin
printf '#!/bin/sh\\necho found\\nexec sleep 1000\\n' >$3/$4/bin/config-server
chmod +x $3/$4/bin/config-server
echo 'processes: [{type: config-server, command: config-server,' \\
  'platforms: {cloudfoundry: {sidecar_for: [web]}}}]' >$3/$4/launch.yml"""
CONVENTION = """#!/bin/sh
echo 'export PATH="$DEPS_DIR/0/bin:$PATH"' >$5/000_multi-supply.sh
"""
SOURCE = "APP/PROC/WEB/SIDECAR/CONFIG-SERVER"
BUILT_ELSEWHERE = (  # for a loader that is not there
    "export LC_ALL=C; "
    "sed s,/ld-linux,/ld-other, /bin/true >config-server && chmod +x config-server && ./config-server"
)
NO_LOADER = {  # in the words of bash before 5.2, and since
    "bash: line 1: ./config-server: No such file or directory",
    "bash: line 1: ./config-server: cannot execute: required file not found",
}
WANTS_ITS_PORT = """test -n "$CONFIG_SERVER_PORT" || { echo missing CONFIG_SERVER_PORT >&2; exit 1; }
exec sleep 1000"""
DATABASES = {
    "b-first-in-the-text": [{"credentials": {"uri": "postgres://b/db"}}],
    "a-first-by-its-label": [{"credentials": {"uri": "mysql://a/db"}}],
}


def staged_sidecar(stager: ContainerStager, request_of: Request, log: Lines, last: Mapping[str, str]) -> Path:
    """Return the droplet of an app whose sidecar is named by a bare word."""
    request = request_of(first=supply(BY_ITS_NAME), last=last)
    result = stager.stage(request, log)
    assert result.result is not None
    assert [row["command"] for row in result.result["sidecars"]] == ["config-server"]
    return request.droplet


def test_trap_14_a_bare_command_is_not_found_without_the_finalize_convention(
    stager: ContainerStager, request_of: Request, make_runner: MakeRunner, log: Lines
) -> None:
    droplet = staged_sidecar(stager, request_of, log, FINAL)
    runner = make_runner()
    spec = process(droplet, "exec sleep 1000", sidecars=sidecar("config-server", "config-server"))
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == f"{SOURCE}: Exited with status 127"
    assert "bash: line 1: config-server: command not found" in log.texts(SOURCE)
    assert "Exit status 127" in log.texts(SOURCE)


def test_trap_14_a_bare_command_is_found_with_the_finalize_convention(
    stager: ContainerStager, request_of: Request, make_runner: MakeRunner, log: Lines
) -> None:
    droplet = staged_sidecar(stager, request_of, log, {**FINAL, "bin/finalize": CONVENTION})
    spec = process(droplet, "exec sleep 1000", sidecars=sidecar("config-server", "config-server"))
    make_runner().run(spec, log)
    log.wait_for("found")
    assert "found" in log.texts(SOURCE)


def test_trap_22_a_program_for_another_libc_is_no_such_file(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000", sidecars=sidecar("config-server", BUILT_ELSEWHERE))
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == f"{SOURCE}: Exited with status 127"
    assert NO_LOADER & set(log.texts(SOURCE))


def test_trap_25_a_sidecar_without_its_port_crashes_the_app_again_and_again(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner(Restarts(at_once=3, first_pause_s=3600))
    spec = process(empty, "exec sleep 1000", sidecars=sidecar("config-server", WANTS_ITS_PORT))
    runner.run(spec, log)
    log.wait_for("App instance exited", 3)
    counts = [text for text in log.texts("API") if "crash_count" in text]
    assert [f'"crash_count"=>{number}' in text for number, text in enumerate(counts, 1)] == [True] * 3
    assert all(f"{SOURCE}: Exited with status 1" in text for text in counts)
    said = [line for line in log.lines if line.text == "missing CONFIG_SERVER_PORT"]
    assert {(line.source_type, line.stream) for line in said} == {(SOURCE, "ERR")}


def test_trap_29_of_two_databases_the_first_label_is_the_database_url(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    environment = {"VCAP_SERVICES": json.dumps(DATABASES)}
    spec = process(empty, "echo url $DATABASE_URL; exec sleep 1000", environment=environment)
    runner.run(spec, log)
    log.wait_for("url ")
    assert "url mysql2://a/db" in log.texts("APP/PROC/WEB")
