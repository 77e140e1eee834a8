"""Instances in real containers: what a new server finds."""

from pathlib import Path

import pytest

from foundation.archives.tars import folders
from foundation.engine.engine import Engine
from tests.foundation.engine_fixtures import Lines, process, until
from tests.foundation.running.runners import MakeRunner, only, reaches

pytestmark = pytest.mark.engine


def test_a_new_server_adopts_what_runs_and_logs_every_line_once(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    first = make_runner()
    count = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done"
    spec = process(empty, count)
    first.run(spec, log)
    log.wait_for("line 30")
    before = reaches(first, spec.process_guid, "RUNNING")
    first.close()
    second = make_runner()
    second.run(spec, log)
    log.wait_for("line 200")
    second.settle()
    assert only(second, spec.process_guid).guid == before.guid
    numbers = [int(text.split()[1]) for text in log.texts("APP/PROC/WEB") if text.startswith("line ")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(engine.find({})) == 1


def test_an_instance_that_ended_while_no_server_ran_has_crashed_for_the_next(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    first = make_runner()
    spec = process(empty, "echo up; while test ! -e ended; do sleep 0.1; done; echo last words; exit 3")
    first.run(spec, log)
    log.wait_for("up")
    first.close()
    (container,) = engine.find({})
    engine.put(container.id, "/home/vcap/app", folders("ended"))
    until(lambda: (condition := engine.condition(container.id)) and not condition.running)
    second = make_runner()
    second.run(spec, log)
    assert reaches(second, spec.process_guid, "CRASHED").details == "APP/PROC/WEB: Exited with status 3"
    assert "last words" in log.texts("APP/PROC/WEB")


def test_what_nobody_desires_any_more_is_ended_when_a_new_server_settles(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    first = make_runner()
    spec = process(empty, "exec sleep 1000")
    first.run(spec, log)
    reaches(first, spec.process_guid, "RUNNING")
    first.close()
    make_runner().settle()
    until(lambda: engine.find({}) == [])
