"""Staging in real containers: those that are ended, and what a killed server left."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.archives import zips
from foundation.engine.engine import Engine
from foundation.engine.wanted import Wanted
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import STACK, Lines, until
from tests.foundation.staging.stagings import FINAL, Request, supply

pytestmark = pytest.mark.engine


def test_a_staging_that_takes_too_long_is_killed(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines
) -> None:
    request = replace(request_of(first=supply("echo begun; sleep 1000"), last=FINAL), timeout_s=1)
    result = stager.stage(request, log)
    assert result.timed_out
    assert result.droplet_sha256 is None
    until(lambda: engine.find({}) == [])


def test_a_cancelled_staging_ends(stager: ContainerStager, request_of: Request, log: Lines) -> None:
    results = []
    request = request_of(first=supply("echo begun; sleep 1000"), last=FINAL)
    thread = threading.Thread(target=lambda: results.append(stager.stage(request, log)))
    thread.start()
    log.wait_for("begun")
    stager.cancel("another build")
    stager.cancel(request.build_guid)
    thread.join(60)
    assert [result.exit_code for result in results] == [137]
    assert not results[0].timed_out


def test_a_staging_that_is_cancelled_while_its_buildpacks_are_unzipped_makes_no_container(
    stager: ContainerStager, request_of: Request, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    unpack = zips.unpack

    def cancelled_meanwhile(path: Path, into: Path) -> None:
        stager.cancel(request.build_guid)
        unpack(path, into)

    monkeypatch.setattr(zips, "unpack", cancelled_meanwhile)
    assert stager.stage(request, log).exit_code == 137
    assert log.texts() == []


def test_a_staging_that_is_cancelled_before_it_begins_makes_no_container(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    stager.cancel(request.build_guid)
    assert stager.stage(request, log).exit_code == 137
    assert log.texts() == []
    assert stager.stage(request, log).exit_code == 0  # a cancelled build is cancelled once


def test_a_staging_gives_its_result_before_its_container_is_gone(
    engine: Engine, images: Mapping[str, str], programs: Path, request_of: Request, log: Lines, tmp_path: Path
) -> None:
    going = threading.Event()
    remove = engine.remove
    vars(engine)["remove"] = lambda container: going.wait(60) and remove(container)
    stager = ContainerStager(engine=engine, images=images, programs=programs, cache=tmp_path / "cache")
    del vars(engine)["remove"]
    assert stager.stage(request_of(first=supply("true"), last=FINAL), log).exit_code == 0
    assert len(engine.find({})) == 1
    going.set()
    until(lambda: engine.find({}) == [])


def test_what_a_killed_server_left_is_removed_at_the_next_start(
    engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path
) -> None:
    left = Wanted(
        name="staging-left",
        image=images[STACK],
        argv=["sleep", "1000"],
        user="vcap",
        labels={"train.role": "staging", "train.build": "old"},
        memory_mb=64,
    )
    engine.start(engine.create(left))
    other = Engine(labels={"train.tests": "another foundation"}, network="bridge")
    theirs = other.create(replace(left, name="staging-other", labels={**left.labels, **engine.labels}))
    try:
        ContainerStager(engine=engine, images=images, programs=programs, cache=tmp_path)
        assert engine.find({}) == []
        assert other.condition(theirs) is not None
    finally:
        other.remove(theirs)
