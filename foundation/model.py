"""The values that the API, staging and running hand to each other, and what each may ask of the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

InstanceState = Literal["STARTING", "RUNNING", "CRASHED", "DOWN"]
Stream = Literal["OUT", "ERR"]


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of output, without its newline; becomes one log-cache envelope."""

    timestamp_ns: int
    source_type: str  # STG, CELL, HEALTH, APP/PROC/WEB, APP/PROC/WEB/SIDECAR/CONFIG-SERVER
    instance_id: str
    stream: Stream
    text: str


LogSink = Callable[[LogLine], None]


@dataclass(frozen=True, kw_only=True)
class BuildpackRef:
    """A buildpack as the builder knows it: by key; `archive` is None where the key is a URL to fetch."""

    key: str
    name: str
    archive: Path | None


@dataclass(frozen=True, kw_only=True)
class StagingRequest:
    """All that one staging needs; `cache` and `droplet` are files that a success writes."""

    build_guid: str
    app_guid: str
    stack: str
    package: Path
    buildpacks: Sequence[BuildpackRef]
    skip_detect: bool
    environment: Mapping[str, str]
    memory_mb: int
    disk_mb: int
    timeout_s: float
    offline: bool  # no network at all in the staging container
    cache: Path
    droplet: Path


@dataclass(frozen=True, kw_only=True)
class StagingResult:
    """The builder's exit code and result.json (None where it wrote none or the staging timed out)."""

    exit_code: int
    timed_out: bool
    result: Mapping[str, Any] | None
    droplet_sha256: str | None


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
    port: int = 8080
    details: str | None = None
    usage: Mapping[str, float] = field(default_factory=dict)  # cpu (fraction), mem, disk


class Stager(Protocol):
    """Stages one build; blocks until the container has ended, so callers bring their own bounded pool."""

    def stage(self, request: StagingRequest, log: LogSink) -> StagingResult:
        """Raise failures.StagingUnavailableError where no container could be made."""

    def cancel(self, build_guid: str) -> None:
        """End that staging's container, if there is one."""


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


@dataclass(frozen=True, kw_only=True)
class Route:
    """A row of the router's table: `path` is empty or starts with a slash; backends are ip:port."""

    host: str
    path: str
    backends: Sequence[str]


class Router(Protocol):
    """Sends requests to instances by Host header and path."""

    def swap(self, routes: Sequence[Route]) -> None:
        """Replace the whole table at once; requests under way are not cut."""
