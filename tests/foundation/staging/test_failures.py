"""Staging in real containers: how each failure shows, and what it leaves."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.failures import StagingUnavailableError
from foundation.model.staging import BuildpackRef
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import STACK, Lines, until, zip_of
from tests.foundation.staging.stagings import FINAL, Request, supply

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("first", "last", "code", "has_result"),
    [
        (supply("exit 7"), FINAL, 225, False),
        (supply("true"), {**FINAL, "bin/supply": "#!/bin/sh\nexit 7\n"}, 223, True),
        (supply("true"), {**FINAL, "bin/finalize": "#!/bin/sh\nexit 7\n"}, 223, True),
        (supply("true"), supply("true"), 223, True),
        (supply("true"), {**FINAL, "bin/release": "#!/bin/sh\nexit 7\n"}, 224, True),
        ({"bin/detect": "#!/bin/sh\n"}, FINAL, 225, False),
        (
            supply("echo '{processes: [{type: s, command: c, limits: {memory: 64M}}]}' >$3/$4/launch.yml"),
            FINAL,
            1,
            True,
        ),
    ],
    ids=["supply", "final-supply", "finalize", "no-compile", "release", "no-supply", "memory-64M"],
)
def test_a_failing_script_has_its_exit_code_and_leaves_no_droplet(
    stager: ContainerStager,
    request_of: Request,
    log: Lines,
    first: Mapping[str, str],
    last: Mapping[str, str],
    code: int,
    has_result: bool,
) -> None:
    request = request_of(first=first, last=last)
    result = stager.stage(request, log)
    assert result.exit_code == code
    assert (result.result is not None) == has_result
    assert result.droplet_sha256 is None
    assert not request.droplet.exists()
    assert not request.cache.exists()


def test_a_failed_staging_leaves_the_earlier_cache(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first=supply("exit 7"), last=FINAL)
    request.cache.parent.mkdir()
    with gzip.open(request.cache, "wb") as file:
        file.write(bytes(1024))
    before = request.cache.read_bytes()
    assert stager.stage(request, log).exit_code == 225
    assert request.cache.read_bytes() == before


def test_a_package_that_leads_out_fails_with_its_reason(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    bad = zip_of(tmp_path / "bad.zip", {"../outside": "x"})
    assert stager.stage(replace(request, package=bad), log).exit_code == 1
    assert "Failed to stage: the archive's entry '../outside' leads out of its folder" in log.texts("STG")
    buildpack = BuildpackRef(key="bad", name="bad_buildpack", archive=bad)
    assert stager.stage(replace(request, buildpacks=[buildpack]), log).exit_code == 1
    assert any("buildpack 'bad_buildpack': the archive's entry" in text for text in log.texts("STG"))
    until(lambda: engine.find({}) == [])


def test_an_image_or_engine_that_is_gone_makes_staging_unavailable(
    engine: Engine,
    programs: Path,
    request_of: Request,
    log: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    stager = ContainerStager(engine=engine, images={STACK: "gone:1"}, programs=programs, cache=tmp_path / "c")
    with pytest.raises(StagingUnavailableError, match="No such image: gone:1"):
        stager.stage(request, log)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    lost = replace(engine)
    vars(stager)["_engine"] = lost
    with pytest.raises(StagingUnavailableError, match=r"no\.sock does not answer"):
        stager.stage(request, log)
