"""Asks the Docker engine for containers: the one place that imports docker.

Everything that is made carries the foundation's labels and may do as little as an app on Cloud Foundry.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation.failures import EngineError, EngineGoneError, NotThereError
from foundation.model import Stream

if TYPE_CHECKING:
    from docker import APIClient

MIB = 1 << 20
OWNER = "train.owner"
ENGINE_TIMEOUT_S = 120
CONNECTIONS = 128  # each instance's log holds one open
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


@contextmanager
def answering(doing: str) -> Iterator[None]:
    """Turn what goes wrong between us and the engine into EngineError or EngineGoneError."""
    import requests
    from docker.errors import APIError, DockerException, NotFound

    try:
        yield
    except NotFound as error:
        remedy = "What was removed meanwhile is made again when the foundation starts."
        raise NotThereError(
            f"the Docker engine cannot {doing}: {error.explanation or error}", remedy
        ) from error
    except APIError as error:
        raise EngineError(f"the Docker engine cannot {doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException, ConnectionError) as error:
        where = os.environ.get("DOCKER_HOST", "its default socket")
        message = f"the Docker engine at {where} does not answer, so the foundation cannot {doing}: {error}"
        raise EngineGoneError(message, "Start the engine; `docker info` says whether it runs.") from error


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine, and what all containers of a foundation share; `labels` tell them from others'."""

    labels: Mapping[str, str]
    network: str
    hosts: Mapping[str, str] = field(default_factory=dict)  # further names in containers
    mounts: Mapping[Path, str] = field(default_factory=dict)  # into each of them, as those of Wanted
    prefix: str = "sidecar-train"
    timeout_s: int = ENGINE_TIMEOUT_S  # for one answer of the engine

    def __post_init__(self) -> None:
        if not self.labels:
            raise EngineError(
                "the foundation has no label of its own", "Give it one with --label NAME=VALUE."
            )

    @property
    def _owner(self) -> str:
        """All labels as one: a container also inherits its image's, which may be another foundation's."""
        return ",".join(sorted(f"{name}={value}" for name, value in self.labels.items()))

    @cached_property
    def client(self) -> "APIClient":
        """The connection to the engine; threads may share it."""
        from docker import APIClient
        from docker.utils import kwargs_from_env

        with answering("be asked for its version"):
            return APIClient(
                **kwargs_from_env(), version="auto", timeout=self.timeout_s, max_pool_size=CONNECTIONS
            )

    def create(self, wanted: Wanted) -> str:
        """Make a container, not started, and return its id."""
        with answering(f"make the container {wanted.name}"):
            made = self.client.create_container(
                image=wanted.image,
                command=list(wanted.argv),
                name=f"{self.prefix}-{wanted.name}",
                user=wanted.user,
                working_dir="/home/vcap",
                environment=dict(wanted.environment),
                labels={**self.labels, **wanted.labels, OWNER: self._owner},
                host_config=self._host_config(wanted),
            )
            return str(made["Id"])

    def _host_config(self, wanted: Wanted) -> dict[str, Any]:
        from docker.types import LogConfig, Mount, Ulimit

        memory = wanted.memory_mb * MIB
        return self.client.create_host_config(
            mounts=[
                Mount(inside, str(host), type="bind", read_only=True)
                for host, inside in {**self.mounts, **wanted.mounts}.items()
            ],
            network_mode=NO_NETWORK if wanted.offline else self.network,
            extra_hosts=None if wanted.offline else dict(self.hosts),
            mem_limit=memory,
            memswap_limit=memory,  # no swap, as on the platform
            pids_limit=MOST_PROCESSES,
            ulimits=[Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES)],
            cap_drop=["ALL"],
            cap_add=list(wanted.capabilities),
            security_opt=["no-new-privileges"],
            log_config=LogConfig(type=LogConfig.types.JSON, config=LOG_OPTIONS),
        )

    def put(self, container: str, path: str, tar: bytes | Iterable[bytes]) -> None:
        """Unpack a tar, gzipped or not, into a folder of a container; an entry `./` changes nothing."""
        with answering("put files into a container"):
            self.client.put_archive(container, path, tar)

    def get(self, container: str, path: str) -> Iterator[bytes]:
        """Return a file as a tar's chunks; raises NotThereError where there is none."""
        with answering(f"get {path} out of a container"):
            chunks, _ = self.client.get_archive(container, path)
            yield from chunks

    def start(self, container: str) -> None:
        """Start a container."""
        with answering("start a container"):
            self.client.start(container)

    def attach(self, container: str) -> Iterator[tuple[Stream, bytes]]:
        """Return what a container prints from now on; the connection is there when this returns."""
        with answering("attach to a container"):
            frames = self.client.attach(container, stream=True, demux=True)
        return _streams(frames)

    def follow(self, container: str, since: float | None) -> Iterator[bytes]:
        """Return a container's log from a time on, as it comes: pieces, each behind a timestamp and a space.

        It ends when the container has ended, and also where the engine is lost.
        """
        with answering("read a container's log"):
            pieces = self.client.logs(container, stream=True, follow=True, timestamps=True, since=since)
        try:
            yield from pieces
        except struct.error:  # cut within a piece's header
            return

    def condition(self, container: str) -> Condition | None:
        """Return how a container is, or None where there is none."""
        from docker.errors import NotFound

        with answering("inspect a container"):
            try:
                found = self.client.inspect_container(container)
            except NotFound:
                return None
        state, networks = found["State"], found["NetworkSettings"]["Networks"]
        return Condition(
            running=state["Running"],
            exit_code=state["ExitCode"],
            out_of_memory=state["OOMKilled"],
            address=networks.get(self.network, {}).get("IPAddress", ""),
            started=state["StartedAt"],
        )

    def kill(self, container: str) -> None:
        """Kill a container; one that has ended or is gone is fine."""
        with answering("kill a container"), _fine(404, 409):
            self.client.kill(container)

    def stop(self, container: str, seconds: int) -> None:
        """Send SIGTERM, and SIGKILL after that many seconds; return when it has ended."""
        with answering("stop a container"), _fine(404):
            self.client.stop(container, timeout=seconds)

    def wait(self, container: str) -> int:
        """Return a container's exit code when it has ended."""
        with answering("wait for a container"):
            return int(self.client.wait(container, timeout=None)["StatusCode"])

    def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone or going is fine."""
        with answering("remove a container"), _fine(404, 409):
            self.client.remove_container(container, v=True, force=True)

    def find(self, labels: Mapping[str, str]) -> list[Container]:
        """Return this foundation's containers that carry these labels too, in any state."""
        wanted = [f"{name}={value}" for name, value in {**labels, OWNER: self._owner}.items()]
        with answering("list the containers"):
            found = self.client.containers(all=True, filters={"label": wanted})
        return [Container(id=each["Id"], labels=each["Labels"], state=each["State"]) for each in found]

    def usage(self, container: str) -> Usage:
        """Return what a running container uses; memory without the page cache."""
        with answering("measure a container"):
            stats = self.client.stats(container, stream=False, one_shot=True)
            listed = self.client.containers(all=True, size=True, filters={"id": container})
        memory = stats.get("memory_stats", {})
        details = memory.get("stats", {})
        cache = details.get("total_inactive_file", details.get("inactive_file", 0))  # cgroup v1, v2
        return Usage(
            cpu_ns=stats["cpu_stats"]["cpu_usage"]["total_usage"],
            memory=max(0, memory.get("usage", 0) - cache),
            disk=listed[0].get("SizeRw", 0) if listed else 0,
        )


@contextmanager
def _fine(*statuses: int) -> Iterator[None]:
    """Let these HTTP statuses of the engine pass."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if error.status_code not in statuses:
            raise


def _streams(frames: Iterable[tuple[bytes | None, bytes | None]]) -> Iterator[tuple[Stream, bytes]]:
    for out, err in frames:
        if out:
            yield "OUT", out
        if err:
            yield "ERR", err
