"""A container to make, and how little it may do: as little as an app on Cloud Foundry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient

MIB = 1 << 20
OPEN_FILES = 16384  # Diego's default for an app's processes
MOST_PROCESSES = 1024
LOG_OPTIONS = {"max-size": "16m", "max-file": "3"}
NO_NETWORK = "none"
TMP = "/tmp"  # noqa: S108 - in containers, where Cloud Foundry fixes it
LIFECYCLE = f"{TMP}/lifecycle"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # on every stack


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A container to make; `mounts` maps host paths to read-only paths inside."""

    name: str
    image: str
    argv: Sequence[str]
    user: str
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    memory_mb: int
    offline: bool = False


def host_config(
    client: "APIClient",
    wanted: Wanted,
    network: str,
    hosts: Mapping[str, str],
    mounts: Mapping[Path, str],
) -> dict[str, Any]:
    """Return the engine's settings for a container; hosts and mounts are those that all containers share."""
    from docker.types import LogConfig, Mount, Ulimit

    memory = wanted.memory_mb * MIB
    return client.create_host_config(
        mounts=[
            Mount(inside, str(host), type="bind", read_only=True)
            for host, inside in {**mounts, **wanted.mounts}.items()
        ],
        network_mode=NO_NETWORK if wanted.offline else network,
        extra_hosts=None if wanted.offline else dict(hosts),
        mem_limit=memory,
        memswap_limit=memory,  # no swap, as on the platform
        pids_limit=MOST_PROCESSES,
        ulimits=[Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES)],
        cap_drop=["ALL"],
        cap_add=list(wanted.capabilities),
        security_opt=["no-new-privileges"],
        log_config=LogConfig(type=LogConfig.types.JSON, config=LOG_OPTIONS),
    )
