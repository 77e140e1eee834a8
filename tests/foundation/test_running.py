"""Instances in real containers: what ends them, what is logged, what a new server finds."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from foundation import description
from foundation.archive import folders
from foundation.containers import Engine
from foundation.model import HealthCheck, InstanceStatus
from foundation.restarts import Restarts
from foundation.running import ContainerRunner
from tests.foundation.engine_fixtures import Lines, droplet_of, process, sidecar, until

pytestmark = pytest.mark.engine

NEVER_AGAIN = Restarts(at_once=1, first_pause_s=3600, longest_pause_s=3600)
# Answers every request on the address that is its argument.
SERVER = """exec ruby -rsocket -e '
server = TCPServer.new(ARGV[0], 8080)
loop { client = server.accept; client.gets; client << %(HTTP/1.0 200 OK\\r\\n\\r\\nhi); client.close }'"""
MakeRunner = Callable[..., ContainerRunner]


@pytest.fixture
def make_runner(
    engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path
) -> Iterator[MakeRunner]:
    made: list[ContainerRunner] = []

    def make(restarts: Restarts = NEVER_AGAIN) -> ContainerRunner:
        runner = ContainerRunner(
            engine=engine,
            images=images,
            programs=programs,
            state=tmp_path / "running",
            on_change=lambda: None,
            restarts=restarts,
        )
        made.append(runner)
        return runner

    yield make
    for runner in made:
        runner.close(0)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return droplet_of(tmp_path / "droplet.tgz", {})


def only(runner: ContainerRunner, process_guid: str) -> InstanceStatus:
    (status,) = runner.instances(process_guid)
    return status


def reaches(runner: ContainerRunner, process_guid: str, state: str) -> InstanceStatus:
    until(lambda: only(runner, process_guid).state == state)
    return only(runner, process_guid)


def test_an_app_that_listens_becomes_running_and_answers_on_its_address(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    spec = process(empty, f"{SERVER} 0.0.0.0", health_check=HealthCheck(type="http"))
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "RUNNING")
    assert urllib.request.urlopen(f"http://{status.address}:8080/").read() == b"hi"
    assert "Container became healthy" in log.texts("CELL")
    (measured,) = runner.instances(spec.process_guid, usage=True)
    assert measured.usage["mem"] > 1 << 20
    assert measured.usage["cpu"] > 0


def test_a_sidecar_that_exits_0_ends_the_instance(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    spec = process(empty, "exec sleep 1000", sidecars=sidecar("config-server", "echo done"))
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details == "APP/PROC/WEB/SIDECAR/CONFIG-SERVER: Exited with status 0"
    log.wait_for("App instance exited")
    log.wait_for("Exit status 143")
    assert "Exit status 143" in log.texts("APP/PROC/WEB")
    assert "done" in log.texts("APP/PROC/WEB/SIDECAR/CONFIG-SERVER")


def test_a_stop_is_term_and_then_kill_for_the_process_that_ignores_it(
    make_runner: MakeRunner, engine: Engine, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    obeys = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    ignores = "trap 'echo ignored TERM' TERM; echo ready; while :; do sleep 0.1; done"
    spec = process(empty, obeys, sidecars=sidecar("stubborn", ignores))
    runner.run(spec, log)
    log.wait_for("ready", 2)
    runner.stop(spec.process_guid)
    assert runner.instances(spec.process_guid) == []
    log.wait_for("Exit status", 2)
    assert {"got TERM", "Exit status 0"} <= set(log.texts("APP/PROC/WEB"))
    assert {"ignored TERM", "Exit status 137"} <= set(log.texts("APP/PROC/WEB/SIDECAR/STUBBORN"))
    until(lambda: engine.find({}) == [])


def test_an_app_on_127_0_0_1_never_becomes_healthy(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    check = HealthCheck(type="port", timeout_s=3)
    spec = process(empty, f"{SERVER} 127.0.0.1", health_check=check)
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details is not None
    assert status.details.startswith("Instance never healthy after 3s: Failed to make TCP connection to ")
    assert "Failed after 3s: startup health check never passed." in log.texts("CELL")


def test_an_app_that_stops_listening_is_unhealthy_at_the_next_check(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    check = HealthCheck(type="port", interval_s=0.5)
    once = "ruby -rsocket -e 's = TCPServer.new(%(0.0.0.0), 8080); s.accept; s.close; sleep'"
    spec = process(empty, once, health_check=check)
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "CRASHED")
    assert status.details is not None
    assert status.details.startswith("Instance became unhealthy: ")


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
