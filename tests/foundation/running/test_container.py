"""Instances in real containers: what processes find there, may do, and print."""

import json
from pathlib import Path

import pytest

from tests.foundation.engine_fixtures import Lines, process, sidecar
from tests.foundation.running.runners import MakeRunner, only

pytestmark = pytest.mark.engine


def test_processes_see_the_environment_of_the_platform(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    show = "echo $MEMORY_LIMIT $PORT $CF_INSTANCE_INDEX $HOME $USER $GREETING $PATH"
    show += "; id -u; echo $VCAP_APPLICATION; exec sleep 1000"
    spec = process(
        empty,
        show,
        memory_mb=128,
        environment={"GREETING": "hello", "PORT": "1"},
        sidecars=sidecar("small", "echo $MEMORY_LIMIT $PORT; exec sleep 1000", 28),
    )
    runner.run(spec, log)
    log.wait_for("application_name")
    log.wait_for("28m 8080")
    app = log.texts("APP/PROC/WEB")
    assert "100m 8080 0 /home/vcap/app vcap hello /usr/local/bin:/usr/bin:/bin" in app
    assert "2000" in app
    (application,) = (json.loads(text) for text in app if text.startswith("{"))
    assert application["limits"]["mem"] == 100
    assert application["instance_id"] == only(runner, spec.process_guid).guid


def test_a_worker_without_ports_is_told_so(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    show = "echo $PORT [$CF_INSTANCE_PORT] [$CF_INSTANCE_ADDR] $CF_INSTANCE_PORTS; exec sleep 1000"
    spec = process(empty, show, type="worker", ports=[])
    runner.run(spec, log)
    log.wait_for("8080 [] [] []")
    assert "8080 [] [] []" in log.texts("APP/PROC/WORKER")


def test_a_line_longer_than_the_engine_keeps_whole_arrives_whole(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, "ruby -e 'puts (1..10_000).to_a.join'; echo after; exec sleep 1000")
    runner.run(spec, log)
    log.wait_for("after")
    assert "".join(str(number) for number in range(1, 10_001)) in log.texts("APP/PROC/WEB")


def test_a_container_may_do_little(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    show = "exec 2>&1; grep -E '^(CapEff|NoNewPrivs):' /proc/self/status; cat /run/instance.json"
    show += "; touch /tmp/lifecycle/x; echo shown; exec sleep 1000"
    spec = process(empty, show)
    runner.run(spec, log)
    log.wait_for("shown")
    texts = log.texts("APP/PROC/WEB")
    assert "CapEff:\t0000000000000000" in texts
    assert "NoNewPrivs:\t1" in texts
    assert any("instance.json" in text and "No such file" in text for text in texts)
    assert any("Read-only file system" in text for text in texts)
