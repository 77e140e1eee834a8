"""What a container of the foundation cannot reach: other apps, the API, the Docker engine."""

import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import docker
import psutil
import pytest

from embedded import network
from embedded.network import Network
from foundation.engine.engine import Engine
from foundation.engine.wanted import Wanted
from tests.foundation.engine_fixtures import STACK, until
from tests.foundation.test_serving import Server

pytestmark = pytest.mark.engine

LISTENING = 'require "socket"; server = TCPServer.new("0.0.0.0", 8080); loop { server.accept.close }'
PROBING = """
for target in "$@"; do
  if timeout 2 bash -c "</dev/tcp/$target" 2>/dev/null; then echo "reached $target"; fi
done
for path in /var/run/docker.sock /run/docker.sock; do
  if [ -e "$path" ]; then echo "reached $path"; fi
done
"""


@pytest.fixture
def apart() -> Iterator[Network]:
    """A network as a clone has it."""
    clone = f"test-{uuid4().hex[:8]}"
    made = network.ensure(clone)
    yield made
    client = docker.from_env()
    client.networks.get(made.name).remove()
    client.close()


@pytest.fixture
def there(engine: Engine, apart: Network) -> Iterator[Engine]:
    """The engine, with that network."""
    there = replace(engine, network=apart.name)
    yield there
    for container in there.find({}):
        there.remove(container.id)


def begin(engine: Engine, images: Mapping[str, str], name: str, *argv: str) -> str:
    wanted = Wanted(name=name, image=images[STACK], argv=argv, user="vcap", memory_mb=64)
    container = engine.create(wanted)
    engine.start(container)
    return container


def reached(engine: Engine, images: Mapping[str, str], *targets: str) -> list[str]:
    """Return what a container reaches of these, each as host/port, and of the engine's sockets."""
    container = begin(engine, images, f"probe-{uuid4().hex}", "bash", "-c", PROBING, "probe", *targets)
    engine.wait(container)
    said = engine.client.logs(container).decode()
    return [text.removeprefix("reached ") for text in said.splitlines()]


def neighbour(engine: Engine, images: Mapping[str, str]) -> str:
    """Return where another container listens, as host/port."""
    other = begin(engine, images, "neighbour", "ruby", "-e", LISTENING)
    until(lambda: (found := engine.condition(other)) and found.address)
    condition = engine.condition(other)
    assert condition is not None

    def answers() -> bool:
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex((condition.address, 8080)) == 0

    until(answers)  # this host reaches it, as the router does
    return f"{condition.address}/8080"


def test_container_reaches_the_gateway_and_no_other_container(
    there: Engine, images: Mapping[str, str], apart: Network
) -> None:
    with socket.create_server((apart.gateway, 0)) as front:
        allowed = f"{apart.gateway}/{front.getsockname()[1]}"
        other = neighbour(there, images)
        assert reached(there, images, other, allowed) == [allowed]


def test_container_on_an_ordinary_network_would_reach_another(
    engine: Engine, images: Mapping[str, str]
) -> None:
    other = neighbour(engine, images)
    assert reached(engine, images, other) == [other]


def test_network_that_lets_containers_talk_stays_while_one_uses_it(
    engine: Engine, images: Mapping[str, str], apart: Network
) -> None:
    client = docker.from_env()
    client.networks.get(apart.name).remove()
    older = client.networks.create(apart.name)
    user = begin(replace(engine, network=apart.name), images, "user", "sleep", "1000")
    assert network.ensure(apart.name.removeprefix("sidecar-train-")).name == apart.name
    assert client.networks.get(apart.name).id == older.id
    engine.remove(user)
    network.ensure(apart.name.removeprefix("sidecar-train-"))
    assert client.networks.get(apart.name).id != older.id
    client.close()


def test_container_reaches_neither_the_api_nor_the_router_nor_the_engine(
    there: Engine, images: Mapping[str, str], programs: Path, apart: Network, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    server = Server(tmp_path / "state", apart.name, programs)
    try:
        facts = server.facts()
        ports = [*(facts[name].rpartition(":")[2] for name in ("api", "router")), "2375", "2376"]
        hosts = [one.address for each in psutil.net_if_addrs().values() for one in each if one.family == 2]
        assert apart.gateway in hosts
        targets = [f"{host}/{port}" for host in hosts for port in ports]
        assert reached(there, images, *targets) == []
    finally:
        server.end(signal.SIGTERM)
        client = docker.from_env()
        tags = (tag for image in client.images.list() for tag in image.tags)
        for tag in [tag for tag in tags if tag.endswith(f"-{apart.name}")]:
            client.images.remove(tag)
        client.close()
