"""The clone's network in the engine: its containers are kept apart, also where an older one did not."""

from collections.abc import Iterator
from uuid import uuid4

import docker
import pytest
from docker import DockerClient

from embedded import network

pytestmark = pytest.mark.engine


@pytest.fixture
def client() -> Iterator[DockerClient]:
    made = docker.from_env()
    yield made
    made.close()


@pytest.fixture
def clone(client: DockerClient) -> Iterator[str]:
    """A name whose network is removed afterwards."""
    unique = f"test-{uuid4().hex[:8]}"
    yield unique
    for found in client.networks.list(filters={"label": f"{network.LABEL}={unique}"}):
        found.remove()


def older(client: DockerClient, clone: str) -> str:
    """Make a network as an earlier version did, and return its id."""
    made = client.networks.create(f"sidecar-train-{clone}", labels=dict(network.labels(clone)))
    return str(made.id)


def options(client: DockerClient, clone: str) -> tuple[str, dict[str, str]]:
    """Return the network's id and options."""
    found = client.networks.get(f"sidecar-train-{clone}")
    return str(found.id), found.attrs["Options"]


def test_network_keeps_containers_apart_and_is_made_once(client: DockerClient, clone: str) -> None:
    made = network.ensure(clone)
    first, found = options(client, clone)
    assert found == network.APART
    assert network.ensure(clone) == made
    assert options(client, clone)[0] == first


def test_network_of_an_earlier_version_is_replaced_at_the_same_address(
    client: DockerClient, clone: str
) -> None:
    before = older(client, clone)
    (config,) = client.networks.get(before).attrs["IPAM"]["Config"]
    made = network.ensure(clone)
    after, found = options(client, clone)
    assert after != before
    assert found == network.APART
    assert made.gateway == config["Gateway"]
