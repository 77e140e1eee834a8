"""The ports that a process is reached on: they follow its routes, from the next start on."""

from collections.abc import Sequence

import pytest

from tests.foundation.api.stand import Stand
from tests.foundation.api.test_routes import route_body


def lead(stand: Stand, app: str, *ports: int, process: str = "web") -> Sequence[str]:
    """Let a new route lead to these ports of a process; return the destinations' paths."""
    route = f"/v3/routes/{stand.post('/v3/routes', route_body(stand))['guid']}"
    target = {"guid": app, "process": {"type": process}}
    wished = [{"app": target, "port": port} for port in ports]
    made = stand.post(f"{route}/destinations", {"destinations": wished}, 200)["destinations"]
    return [f"{route}/destinations/{destination['guid']}" for destination in made]


def restarted(stand: Stand, app: str, process: str) -> Sequence[int]:
    """Restart an app and return the ports that its process runs with."""
    stand.post(f"/v3/apps/{app}/actions/restart", status=200)
    return stand.runner.specs[process].ports


@pytest.fixture
def app(stand: Stand) -> str:
    stand.stager.result = {"process_types": {"web": "./run", "worker": "./work"}}
    return stand.push()


@pytest.fixture
def worker(stand: Stand, app: str) -> str:
    guid: str = stand.get(f"/v3/apps/{app}/processes/worker")["guid"]
    return guid


def test_ports_without_routes_are_the_default_for_web_alone(stand: Stand, app: str, worker: str) -> None:
    assert list(stand.runner.specs[app].ports) == [8080]
    assert list(stand.runner.specs[worker].ports) == []


def test_ports_of_routes_are_distinct_and_in_their_order(stand: Stand, app: str, worker: str) -> None:
    lead(stand, app, 8082, 8080, 9000)
    assert restarted(stand, app, app) == [8082, 8080, 9000]
    assert list(stand.runner.specs[worker].ports) == []


def test_ports_of_a_worker_are_those_of_its_own_routes(stand: Stand, app: str, worker: str) -> None:
    lead(stand, app, 8083, process="worker")
    assert restarted(stand, app, worker) == [8083]
    assert list(stand.runner.specs[app].ports) == [8080]


def test_ports_change_at_the_next_start_and_fall_back_with_the_last_route(stand: Stand, app: str) -> None:
    first, second = lead(stand, app, 8082, 8081)
    assert list(stand.runner.specs[app].ports) == [8080]
    stand.post(f"/v3/processes/{app}/actions/scale", {"instances": 2}, 202)
    assert list(stand.runner.specs[app].ports) == [8080]
    stand.delete(first, 204)
    assert restarted(stand, app, app) == [8081]
    stand.delete(second, 204)
    assert restarted(stand, app, app) == [8080]


def test_stats_list_every_port(stand: Stand, app: str) -> None:
    lead(stand, app, 8082, 8080)
    stand.post(f"/v3/apps/{app}/actions/restart", status=200)
    (row,) = stand.get(f"/v3/processes/{app}/stats")["resources"]
    assert [port["internal"] for port in row["instance_ports"]] == [8082, 8080]
