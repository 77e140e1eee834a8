"""Staging in real containers: what the scripts see, and what comes out."""

import tarfile
from dataclasses import replace

import pytest

from foundation.engine.engine import Engine
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import STACK, Lines, until
from tests.foundation.staging.stagings import FINAL, Request, supply

pytestmark = pytest.mark.engine


def test_a_staging_gives_droplet_result_and_separate_lines(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines
) -> None:
    script = (
        "echo to out; echo to err >&2; echo $GREETING $CF_STACK $MEMORY_LIMIT $VCAP_SERVICES; id -un; pwd"
    )
    request = request_of(first=supply(script), last=FINAL)
    result = stager.stage(request, log)
    assert (result.exit_code, result.timed_out) == (0, False)
    assert result.result is not None
    assert result.result["process_types"] == {"web": "./run.sh"}
    assert result.droplet_sha256 is not None
    lines = {(line.source_type, line.stream, line.text) for line in log.lines}
    assert {("STG", "OUT", "to out"), ("STG", "ERR", "to err")} <= lines
    assert ("STG", "OUT", f"hello {STACK} 256m {{}}") in lines
    assert {("STG", "OUT", "vcap"), ("STG", "OUT", "/home/vcap")} <= lines
    with tarfile.open(request.droplet) as droplet:
        data = droplet.getmember("./app/sub/folder/data")
        assert (data.uid, data.gid) == (2000, 2000)
        assert droplet.getmember("./app/run.sh").mode & 0o777 == 0o755
    until(lambda: engine.find({}) == [])


def test_the_app_folder_can_be_written_by_a_script_at_any_depth(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(
        first=supply("touch $1/new $1/sub/new $1/sub/folder/new && echo more >>$1/run.sh"), last=FINAL
    )
    assert stager.stage(request, log).exit_code == 0


def test_the_cache_of_a_staging_is_there_in_the_next(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first=supply("cat $2/kept; echo from the last time >$2/kept"), last=FINAL)
    assert stager.stage(request, log).exit_code == 0
    assert "from the last time" not in log.texts()
    assert stager.stage(replace(request, build_guid="build-2"), log).exit_code == 0
    assert "from the last time" in log.texts()
    packs = [replace(request.buildpacks[0], key="other"), request.buildpacks[1]]
    changed = replace(request, build_guid="build-3", buildpacks=packs)
    again = Lines()
    assert stager.stage(changed, again).exit_code == 0
    assert "from the last time" not in again.texts()
