"""Instances in real containers: when they are healthy, and when not any more."""

import urllib.request
from pathlib import Path

import pytest

from foundation.model.running import HealthCheck
from tests.foundation.engine_fixtures import Lines, process
from tests.foundation.running.runners import MakeRunner, reaches

pytestmark = pytest.mark.engine

# Answers every request on the address that is its argument.
SERVER = """exec ruby -rsocket -e '
server = TCPServer.new(ARGV[0], 8080)
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
