"""What is desired of a process, how its instances are, and what the API may ask of whoever runs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from foundation.model.logs import LogSink

DEFAULT_PORT = 8080  # where web is reached, and in PORT also of a process that is not reached on any

InstanceState = Literal["STARTING", "RUNNING", "CRASHED", "DOWN"]


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How an instance proves that it runs; times in seconds."""

    type: Literal["port", "http", "process"] = "port"
    endpoint: str = "/"
    timeout_s: float = 60
    invocation_timeout_s: float = 1
    interval_s: float = 30


@dataclass(frozen=True, kw_only=True)
class SidecarSpec:
    """A sidecar of a process; `memory_mb` None means the whole process memory."""

    name: str
    command: str
    memory_mb: int | None


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """The desired state of one process of a started app; a new `version` replaces every instance."""

    process_guid: str
    version: str
    app_guid: str
    type: str
    stack: str
    droplet: Path
    command: str
    instances: int
    memory_mb: int
    disk_mb: int
    health_check: HealthCheck
    sidecars: Sequence[SidecarSpec]
    ports: Sequence[int] = (DEFAULT_PORT,)  # on which it is reached, the first is PORT; none for most workers
    # app environment, VCAP_SERVICES and so on; running adds PORT, MEMORY_LIMIT, INSTANCE_* and CF_INSTANCE_*
    environment: Mapping[str, str]
    vcap_application: Mapping[str, Any]  # running sets limits.mem of each process and encodes it


@dataclass(frozen=True, kw_only=True)
class InstanceStatus:
    """One instance as the stats endpoint shows it; `since` is epoch seconds, memory and disk are bytes."""

    index: int
    guid: str
    state: InstanceState
    since: float
    address: str | None = None  # the container's own address, without the port
    ports: Sequence[int] = (DEFAULT_PORT,)
    details: str | None = None
    usage: Mapping[str, float] = field(default_factory=dict)  # cpu (fraction), mem, disk


class Runner(Protocol):
    """Keeps desired processes running."""

    def run(self, spec: ProcessSpec, log: LogSink) -> None:
        """Make this the desired state: starts, replaces or scales instances; returns at once."""

    def stop(self, process_guid: str) -> None:
        """Stop all instances (TERM, KILL after 10 s) in the background and forget the process."""

    def restart_instance(self, process_guid: str, index: int) -> None:
        """Replace one instance."""

    def instances(self, process_guid: str, *, usage: bool = False) -> Sequence[InstanceStatus]:
        """Return every desired instance by index; empty for an unknown process. `usage` asks the engine."""

    def settle(self) -> None:
        """End what an earlier server left running and no `run` has taken over."""

    def close(self) -> None:
        """Let go of the instances, which keep running, for a server that ends."""
