"""Instances in real containers: what ends them, and what is logged of it."""

import time
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.running import description
from foundation.running.restarts import Restarts
from tests.foundation.engine_fixtures import Lines, process, sidecar, until
from tests.foundation.running.runners import MakeRunner, only, reaches

pytestmark = pytest.mark.engine


def test_trap_11_a_sidecar_that_exits_0_ends_the_instance(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000", sidecars=sidecar("config-server", "echo done"))
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == "Codependent step exited"
    log.wait_for("App instance exited")
    log.wait_for("Exit status 143")
    assert "Exit status 143" in log.texts("APP/PROC/WEB")
    assert "done" in log.texts("APP/PROC/WEB/SIDECAR/CONFIG-SERVER")


def test_trap_17_a_stop_is_term_and_after_10_s_kill_for_the_process_that_ignores_it(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    obeys = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    ignores = "trap 'echo ignored TERM' TERM; echo ready; while :; do sleep 0.1; done"
    spec = process(empty, obeys, sidecars=sidecar("stubborn", ignores))
    runner.run(spec, log)
    log.wait_for("ready", 2)
    asked = time.monotonic()
    runner.stop(spec.process_guid)
    assert runner.instances(spec.process_guid) == []
    log.wait_for("Exit status", 2)
    assert 10 <= time.monotonic() - asked < 13
    assert {"got TERM", "Exit status 0"} <= set(log.texts("APP/PROC/WEB"))
    killed = "Exit status 137 (exceeded 10s graceful shutdown interval)"
    assert {"ignored TERM", killed} <= set(log.texts("APP/PROC/WEB/SIDECAR/STUBBORN"))
    until(lambda: engine.find({}) == [])


def test_trap_17_a_compound_command_never_passes_term_to_the_server(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    server = "ruby -e 'trap(%(TERM)) { puts %(got TERM); exit }; puts %(ready); $stdout.flush; sleep'"
    spec = process(empty, f"{server}; true")
    runner.run(spec, log)
    log.wait_for("ready")
    runner.stop(spec.process_guid)
    log.wait_for("destroying container")
    assert "Exit status 143" in log.texts("APP/PROC/WEB")
    assert "got TERM" not in log.texts("APP/PROC/WEB")


def test_a_crashed_instance_starts_again_from_its_droplet(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner(Restarts(at_once=3, first_pause_s=3600))
    spec = process(empty, "test ! -e mark && touch mark && echo fresh; exit 4")
    runner.run(spec, log)
    log.wait_for("App instance exited", 3)
    assert log.texts("APP/PROC/WEB").count("fresh") == 3
    assert only(runner, spec.process_guid).details == "APP/PROC/WEB: Exited with status 4"
    counts = [text for text in log.texts("API") if "crash_count" in text]
    assert ['"crash_count"=>3' in text for text in counts] == [False, False, True]


def test_an_app_that_takes_too_much_memory_is_out_of_memory(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "exec ruby -e 'x = []; loop { x << %(a) * 10_000_000 }'", memory_mb=64)
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == "APP/PROC/WEB: Exited with status 137 (out of memory)"
    assert "Exit status 137 (out of memory)" in log.texts("APP/PROC/WEB")


def test_an_app_whose_child_took_too_much_memory_is_out_of_memory_with_its_own_status(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "ruby -e 'x = []; loop { x << %(a) * 10_000_000 }'; exit 3", memory_mb=64)
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == "APP/PROC/WEB: Exited with status 3 (out of memory)"


def test_a_crash_is_known_when_the_siblings_have_ended_too(
    make_runner: MakeRunner, empty: Path, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(description, "GRACE_S", 2)
    runner = make_runner()
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    spec = process(empty, "sleep 1; exit 3", sidecars=sidecar("stubborn", stubborn))
    runner.run(spec, log)
    log.wait_for("Exit status 3")
    assert only(runner, spec.process_guid).state == "RUNNING"
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == "APP/PROC/WEB: Exited with status 3"
    assert "Exit status 137 (exceeded 2s graceful shutdown interval)" in log.texts(
        "APP/PROC/WEB/SIDECAR/STUBBORN"
    )


def test_many_instances_stop_side_by_side(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(description, "GRACE_S", 2)  # another test waits for the real 10 s
    runner = make_runner()
    spec = process(empty, "trap '' TERM; echo ready; while :; do sleep 0.1; done", instances=4)
    runner.run(spec, log)
    log.wait_for("ready", 4)
    runner.stop(spec.process_guid)
    log.wait_for("destroying container", 4)
    texts = log.texts("CELL")
    began = [place for place, text in enumerate(texts) if "stopping instance" in text]
    ended = [place for place, text in enumerate(texts) if "destroying container" in text]
    assert max(began) < min(ended)
    until(lambda: engine.find({}) == [])
