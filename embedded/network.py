"""The clone's own Docker network: its containers reach the published objects and the repository there."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedded.errors import EmbeddedError

LABEL = "train.clone"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A bridge network; `gateway` is this host's address in it."""

    name: str
    gateway: str


def ensure(clone: str) -> Network:
    """Return the clone's network, made where it is not there."""
    import docker
    from docker.errors import DockerException, NotFound

    name = f"sidecar-train-{clone}"
    try:
        client = docker.from_env()
        try:
            found = client.networks.get(name)
        except NotFound:
            client.networks.create(name, driver="bridge", labels=dict(labels(clone)), check_duplicate=True)
            found = client.networks.get(name)  # what creation answers lacks the address
        gateway = found.attrs["IPAM"]["Config"][0]["Gateway"]
        client.close()
    except DockerException as error:
        raise EmbeddedError(
            f"the Docker engine cannot give this clone a network: {error}",
            "Where it says that all pools are used: docker network prune. Else: ./inv doctor",
        ) from error
    return Network(name=name, gateway=str(gateway))


def labels(clone: str) -> Mapping[str, str]:
    """Return the label of everything in the engine that is this clone's."""
    return {LABEL: clone}
