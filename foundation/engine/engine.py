"""Asks the Docker engine for containers, and what becomes of them.

Everything that is made carries the foundation's labels and may do as little as an app on Cloud Foundry.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.engine import facts
from foundation.engine.asking import answering, fine
from foundation.engine.facts import Condition, Container, Usage
from foundation.engine.wanted import Wanted, host_config
from foundation.failures import EngineError
from foundation.model.logs import Stream

if TYPE_CHECKING:
    from docker import APIClient

OWNER = "train.owner"
ENGINE_TIMEOUT_S = 120
CONNECTIONS = 128  # each instance's log holds one open


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
                host_config=host_config(self.client, wanted, self.network, self.hosts, self.mounts),
            )
            return str(made["Id"])

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
        return facts.condition(found, self.network)

    def kill(self, container: str) -> None:
        """Kill a container; one that has ended or is gone is fine."""
        with answering("kill a container"), fine(404, 409):
            self.client.kill(container)

    def stop(self, container: str, seconds: int) -> None:
        """Send SIGTERM, and SIGKILL after that many seconds; return when it has ended."""
        with answering("stop a container"), fine(404):
            self.client.stop(container, timeout=seconds)

    def wait(self, container: str) -> int:
        """Return a container's exit code when it has ended."""
        with answering("wait for a container"):
            return int(self.client.wait(container, timeout=None)["StatusCode"])

    def remove(self, container: str) -> None:
        """Remove a container, running or not; one that is gone or going is fine."""
        with answering("remove a container"), fine(404, 409):
            self.client.remove_container(container, v=True, force=True)

    def find(self, labels: Mapping[str, str]) -> list[Container]:
        """Return this foundation's containers that carry these labels too, in any state."""
        wanted = [f"{name}={value}" for name, value in {**labels, OWNER: self._owner}.items()]
        with answering("list the containers"):
            found = self.client.containers(all=True, filters={"label": wanted})
        return [facts.listed(each) for each in found]

    def usage(self, container: str) -> Usage:
        """Return what a running container uses; memory without the page cache."""
        with answering("measure a container"):
            stats = self.client.stats(container, stream=False, one_shot=True)
            listed = self.client.containers(all=True, size=True, filters={"id": container})
        return facts.usage(stats, disk=listed[0].get("SizeRw", 0) if listed else 0)


def _streams(frames: Iterable[tuple[bytes | None, bytes | None]]) -> Iterator[tuple[Stream, bytes]]:
    for out, err in frames:
        if out:
            yield "OUT", out
        if err:
            yield "ERR", err
