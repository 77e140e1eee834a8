"""Instances in real containers: when they are healthy, and when not any more."""

import re
import urllib.request
from pathlib import Path

import pytest

from foundation.model.running import HealthCheck
from tests.foundation.engine_fixtures import Lines, process, sidecar
from tests.foundation.running.runners import MakeRunner, reaches

pytestmark = pytest.mark.engine

# Answers every request on the address that is its argument.
SERVER = """exec ruby -rsocket -e '
server = TCPServer.new(ARGV[0], ENV.fetch(%(PORT)))
loop { client = server.accept; client.gets; client << %(HTTP/1.0 200 OK\\r\\n\\r\\nhi); client.close }'"""


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


def test_trap_15_an_app_on_127_0_0_1_never_becomes_healthy(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    check = HealthCheck(type="port", timeout_s=3)
    spec = process(empty, f"{SERVER} 127.0.0.1", health_check=check)
    runner.run(spec, log)
    details = reaches(runner, spec.process_guid, "CRASHED").details or ""
    assert re.fullmatch(
        r"Instance never healthy after 3(\.\d+)?s: Timed out after 3s \(\d+ attempts\) waiting for startup "
        r"check to succeed: failed to make TCP connection to (\S+): dial tcp \2: connect: connection refused",
        details,
    )
    (said,) = [text for text in log.texts("CELL") if text.startswith("Failed after 3")]
    assert said.endswith("s: startup health check never passed.")


def test_an_app_that_stops_listening_is_unhealthy_at_the_next_check(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    check = HealthCheck(type="port", interval_s=0.5)
    once = "ruby -rsocket -e 's = TCPServer.new(%(0.0.0.0), 8080); s.accept; s.close; sleep'"
    spec = process(empty, once, health_check=check)
    runner.run(spec, log)
    details = reaches(runner, spec.process_guid, "CRASHED").details or ""
    liveness = "Liveness check unsuccessful: failed to make TCP connection to "
    assert details.startswith(f"Instance became unhealthy: {liveness}")
    log.wait_for("Exit status 143")


def test_an_app_is_asked_on_each_port_of_its_routes(make_runner: MakeRunner, empty: Path, log: Lines) -> None:
    runner = make_runner()
    show = "echo $PORT $VCAP_APP_PORT ${CF_INSTANCE_ADDR#*:}; echo $CF_INSTANCE_PORTS"
    spec = process(
        empty,
        f"{show}; {SERVER} 0.0.0.0",
        ports=[8082, 8080],
        health_check=HealthCheck(type="http"),
        sidecars=sidecar("second", f"PORT=8080; sleep 1; {SERVER} 0.0.0.0"),
    )
    runner.run(spec, log)
    status = reaches(runner, spec.process_guid, "RUNNING")
    assert list(status.ports) == [8082, 8080]
    assert urllib.request.urlopen(f"http://{status.address}:8082/").read() == b"hi"
    said = log.texts("APP/PROC/WEB")
    assert "8082 8082 8082" in said
    assert '[{"external":8082,"internal":8082},{"external":8080,"internal":8080}]' in said


def test_trap_12_a_sidecar_on_the_apps_port_is_taken_for_the_app(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    beside = sidecar("config-server", f"{SERVER} 0.0.0.0")
    spec = process(empty, "exec sleep 1000", health_check=HealthCheck(), sidecars=beside)
    runner.run(spec, log)
    reaches(runner, spec.process_guid, "RUNNING")


def test_trap_12_an_app_whose_port_a_sidecar_has_taken_crashes(
    make_runner: MakeRunner, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    beside = sidecar("config-server", f"{SERVER} 0.0.0.0")
    taken = "until (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null; do sleep 0.1; done"
    spec = process(empty, f"{taken}; {SERVER} 0.0.0.0", sidecars=beside)
    runner.run(spec, log)
    details = reaches(runner, spec.process_guid, "CRASHED").details
    assert details == "APP/PROC/WEB: Exited with status 1"
    assert any("Address already in use" in text for text in log.texts("APP/PROC/WEB"))
