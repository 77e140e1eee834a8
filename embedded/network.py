"""The clone's own Docker network: its containers reach the published objects and the repository there.

They do not reach each other, as apps on Cloud Foundry without a network policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.networks import Network as Found

LABEL = "train.clone"
APART = {"com.docker.network.bridge.enable_icc": "false"}  # no traffic between containers


@dataclass(frozen=True, kw_only=True)
class Network:
    """A bridge network; `gateway` is this host's address in it."""

    name: str
    gateway: str


def ensure(clone: str) -> Network:
    """Return the clone's network, made where it is not there or an older one lets containers talk."""
    import docker
    from docker.errors import DockerException

    name = f"sidecar-train-{clone}"
    try:
        client = docker.from_env()
        gateway = _ensured(client, name, labels(clone)).attrs["IPAM"]["Config"][0]["Gateway"]
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


def _ensured(client: "DockerClient", name: str, labels: Mapping[str, str]) -> "Found":
    from docker.errors import NotFound
    from docker.types import IPAMConfig, IPAMPool

    ipam = None
    try:
        found = client.networks.get(name)
    except NotFound:
        pass
    else:
        if _apart(found) or found.attrs["Containers"]:  # one that is used is replaced another time
            return found
        (given,) = found.attrs["IPAM"]["Config"]
        # Daemons that run may listen on its address already.
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=given["Subnet"], gateway=given.get("Gateway"))])
        found.remove()
    client.networks.create(
        name, driver="bridge", options=APART, ipam=ipam, labels=dict(labels), check_duplicate=True
    )
    return client.networks.get(name)  # what creation answers lacks the address


def _apart(found: "Found") -> bool:
    return bool(APART.items() <= found.attrs["Options"].items())
