"""Instances in real containers: what changes where something else is desired."""

from dataclasses import replace
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from tests.foundation.engine_fixtures import Lines, process, until
from tests.foundation.running.runners import MakeRunner, only, reaches

pytestmark = pytest.mark.engine


def test_scaling_adds_and_removes_the_last_instances_only(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000")
    runner.run(spec, log)
    first = reaches(runner, spec.process_guid, "RUNNING")
    runner.run(replace(spec, instances=3), log)
    until(lambda: [each.state for each in runner.instances(spec.process_guid)] == ["RUNNING"] * 3)
    runner.run(spec, log)
    assert only(runner, spec.process_guid).guid == first.guid
    until(lambda: len(engine.find({})) == 1)


def test_a_new_version_replaces_every_instance(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000")
    runner.run(spec, log)
    old = reaches(runner, spec.process_guid, "RUNNING")
    runner.run(replace(spec, version="2", command="echo two; exec sleep 1000"), log)
    log.wait_for("two")
    assert reaches(runner, spec.process_guid, "RUNNING").guid != old.guid
    until(lambda: len(engine.find({})) == 1)


def test_one_instance_can_be_replaced(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000", instances=2)
    runner.run(spec, log)
    until(lambda: all(each.state == "RUNNING" for each in runner.instances(spec.process_guid)))
    before = [each.guid for each in runner.instances(spec.process_guid)]
    runner.restart_instance(spec.process_guid, 1)
    until(lambda: all(each.state == "RUNNING" for each in runner.instances(spec.process_guid)))
    after = [each.guid for each in runner.instances(spec.process_guid)]
    assert after[0] == before[0]
    assert after[1] != before[1]
