"""What the engine tells of its containers: which there are, how one is, what it uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the engine lists it."""

    id: str
    labels: Mapping[str, str]
    state: str  # created, running, paused, restarting, removing, exited, dead


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a container is: its exit code counts only where it does not run."""

    running: bool
    exit_code: int
    out_of_memory: bool
    address: str  # in the foundation's network, or empty
    started: str  # RFC 3339


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a container uses: CPU nanoseconds since its start, and bytes."""

    cpu_ns: int
    memory: int
    disk: int


def listed(found: Mapping[str, Any]) -> Container:
    """Return one of the engine's list."""
    return Container(id=found["Id"], labels=found["Labels"], state=found["State"])


def condition(found: Mapping[str, Any], network: str) -> Condition:
    """Return how an inspected container is."""
    state, networks = found["State"], found["NetworkSettings"]["Networks"]
    return Condition(
        running=state["Running"],
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
        address=networks.get(network, {}).get("IPAddress", ""),
        started=state["StartedAt"],
    )


def usage(stats: Mapping[str, Any], disk: int) -> Usage:
    """Return what a measured container uses; memory without the page cache."""
    memory = stats.get("memory_stats", {})
    details = memory.get("stats", {})
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))  # cgroup v1, v2
    return Usage(
        cpu_ns=stats["cpu_stats"]["cpu_usage"]["total_usage"],
        memory=max(0, memory.get("usage", 0) - cache),
        disk=disk,
    )
