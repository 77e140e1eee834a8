"""Instances on an engine in memory, which goes away when it is told to, and whose processes never begin."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from foundation import retrying
from foundation.model.running import HealthCheck
from foundation.running import journal
from foundation.running.restarts import Restarts
from tests.foundation.engine_fixtures import STACK, Lines, process, until
from tests.foundation.running.away import AwayEngine, Held, words
from tests.foundation.running.runners import MakeRunner, making, only, reaches

REASON = "APP/PROC/WEB: Exited with status 3"


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> AwayEngine:
    monkeypatch.setattr(retrying, "FIRST_S", 0.01)
    monkeypatch.setattr(retrying, "LONGEST_S", 0.05)
    monkeypatch.setattr(journal, "DRAIN_S", 1)
    return AwayEngine()


@pytest.fixture
def make_runner(away: AwayEngine, tmp_path: Path) -> Iterator[MakeRunner]:
    with making(away.real, {STACK: "image"}, tmp_path, tmp_path / "running") as make:
        yield make
        away.away.clear()


def test_a_crash_is_known_when_the_processes_have_ended_and_has_every_reason(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "run", health_check=HealthCheck(timeout_s=0.05))
    known: list[str] = []

    def end(held: Held) -> None:
        known.append(only(runner, spec.process_guid).state)
        held.end(words(event="ended", source="", reason=REASON))

    away.stopping = end
    runner.run(spec, log)
    details = reaches(runner, spec.process_guid, "CRASHED").details or ""
    assert details.startswith("Instance never healthy after ")
    assert details.endswith(f"failure to find suitable interface; {REASON}")
    assert known == ["STARTING"]


@pytest.mark.parametrize("call", ["create", "put", "start", "condition"])
def test_a_start_is_no_crash_while_the_engine_is_away(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines, call: str
) -> None:
    away.fails = {call: 3}
    runner = make_runner()
    spec = process(empty, "run")
    runner.run(spec, log)
    reaches(runner, spec.process_guid, "RUNNING")
    until(lambda: len(away.held) == 1)
    assert "App instance exited" not in " ".join(log.texts("API"))


@pytest.mark.parametrize("call", ["create", "start"])
def test_a_container_whose_making_was_not_answered_is_removed(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines, call: str
) -> None:
    away.lost = {call: 1}
    runner = make_runner()
    spec = process(empty, "run")
    runner.run(spec, log)
    reaches(runner, spec.process_guid, "RUNNING")
    assert list(away.held) == ["c2"]


def test_an_instance_lives_on_while_the_engine_is_away(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "run")
    runner.run(spec, log)
    before = reaches(runner, spec.process_guid, "RUNNING")
    away.away.set()
    until(lambda: away.fails.get("follow", 0) <= -3)
    assert only(runner, spec.process_guid) == before
    away.away.clear()
    away.only().end(words(event="ended", source="", reason=REASON))
    assert reaches(runner, spec.process_guid, "CRASHED").details == REASON


def test_an_instance_that_ended_with_the_engine_crashes_once(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    runner = make_runner(Restarts())
    spec = process(empty, "run")
    runner.run(spec, log)
    before = reaches(runner, spec.process_guid, "RUNNING")
    away.away.set()
    away.only().end(words(event="ended", source=""), exit_code=0)
    until(lambda: away.fails.get("follow", 0) <= -3)
    away.away.clear()
    until(lambda: only(runner, spec.process_guid).guid != before.guid)
    reaches(runner, spec.process_guid, "RUNNING")
    (crash,) = log.texts("API")
    assert '"crash_count"=>1' in crash
    assert "The container was stopped from outside the foundation" in crash


def test_an_instance_is_adopted_though_the_engine_goes_away_meanwhile(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    first = make_runner()
    spec = process(empty, "run")
    first.run(spec, log)
    before = reaches(first, spec.process_guid, "RUNNING")
    first.close()
    second = make_runner()
    away.fails = {"condition": 3}
    second.run(spec, log)
    assert reaches(second, spec.process_guid, "RUNNING").guid == before.guid
    assert list(away.held) == ["c1"]


def test_an_instance_that_is_stopped_while_the_engine_is_away_ends_when_it_is_back(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "run")
    runner.run(spec, log)
    reaches(runner, spec.process_guid, "RUNNING")
    away.fails = {"stop": 3, "remove": 2}
    runner.stop(spec.process_guid)
    until(lambda: away.held == {})


def test_a_start_that_is_stopped_while_the_engine_is_away_comes_to_nothing(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    away.fails = {"create": 1000}
    spec = process(empty, "run")
    runner.run(replace(spec, instances=2), log)
    until(lambda: away.fails["create"] < 990)
    runner.stop(spec.process_guid)
    away.fails = {}
    until(lambda: all(each.join(0) for each in runner._ending))
    assert away.held == {}


def test_marks_of_containers_that_vanished_while_no_server_ran_are_removed(
    make_runner: MakeRunner, away: AwayEngine, empty: Path, log: Lines, tmp_path: Path
) -> None:
    first = make_runner()
    spec = process(empty, "run")
    first.run(spec, log)
    reaches(first, spec.process_guid, "RUNNING")
    first.close()
    marks = tmp_path / "running" / "marks"
    (marks / "vanished").write_text("2026-01-01T00:00:00.000000001Z 1")
    make_runner()
    assert [mark.name for mark in marks.iterdir()] == ["c1"]
