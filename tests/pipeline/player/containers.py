"""Runs a task in a container of its own: copies of its inputs go in, copies of its outputs come out."""

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.pipeline.player import copies, privilege
from tests.pipeline.player.errors import StepError

if TYPE_CHECKING:
    from docker.models.containers import Container

LABEL, PLAYER = "train.clone", "train.player"
GRACE_S = 10
POLL_S = 0.05
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?=\n)")
Strike = Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a task's container is made of; `inputs` has paths and what is copied there, None: nothing."""

    image: str
    folder: PurePosixPath
    argv: Sequence[str]
    directory: PurePosixPath
    environment: Mapping[str, str] = field(repr=False)
    privileged: bool
    inputs: Sequence[tuple[PurePosixPath, Path | None]]
    outputs: Sequence[tuple[PurePosixPath, Path]]
    caches: Mapping[PurePosixPath, str]  # paths and names, by which the next container gets the same

    def places(self) -> Collection[PurePosixPath]:
        """Return every path at which something of its own lies."""
        return {place for place, _ in (*self.inputs, *self.outputs)} | set(self.caches)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where containers run: `owner` labels them, `mounts` go with the image, `player` names the caches."""

    owner: str
    network: str = "bridge"
    mounts: Sequence[Any] = ()
    player: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How it ended: `code` is None where it was stopped because its time was up."""

    code: int | None
    said: str


def run(order: Order, place: Place, seconds: float, strike: Strike) -> Ended:
    """Run a task to its end; it is told to stop when its time is up, and killed when `strike` says so."""
    with _running(order, place) as container:
        deadline, in_time = time.monotonic() + seconds, True
        while in_time and _runs(container):
            if strike():
                container.kill()
            time.sleep(POLL_S)
            in_time = time.monotonic() < deadline
        if not in_time:
            container.stop(timeout=GRACE_S)
        code = int(container.wait()["StatusCode"])
        said = ESCAPES.sub("", container.logs().decode("utf-8", "replace"))
        for path, into in order.outputs:
            copies.take(container, path, into, order.places())
    return Ended(code=code if in_time else None, said=said)


@contextmanager
def _running(order: Order, place: Place) -> Iterator["Container"]:
    """Start a container as Concourse does: with a dumb terminal, a folder at /scratch, and a first process.

    The image gives its files and its variables; neither its entry point nor its folder counts.
    """
    import docker
    from docker.errors import APIError, DockerException

    client = docker.from_env(timeout=600)
    try:
        container = client.containers.create(
            order.image,
            command=[],
            working_dir=str(order.directory),
            environment={"TERM": "dumb", **order.environment},
            mounts=[*place.mounts, *_folders(order), *(_cache(place, *row) for row in order.caches.items())],
            network=place.network,
            labels={LABEL: place.owner},
            # A first process lies in /sbin: mounts over /usr would hide it.
            init=not place.mounts,
            tty=True,
            volumes=["/scratch"],
            **{"entrypoint": list(order.argv), **(privilege.granted(order.argv) if order.privileged else {})},
        )
    except DockerException as error:
        raise StepError(f"the container cannot be made: {error}") from error
    try:
        container.put_archive("/", copies.packed([(order.folder, None), *order.inputs], order.places()))
        container.start()
        yield container
    except APIError as error:
        raise StepError(f"the container cannot run: {error}") from error
    finally:
        container.remove(force=True, v=True)
        client.close()


def _folders(order: Order) -> list[Any]:
    """Return a mount for each input and output: nothing can be renamed from one to another."""
    from docker.types import Mount

    paths = sorted(set(order.places()) - set(order.caches))
    return [Mount(str(path), None, type="volume") for path in paths]


def _cache(place: Place, path: PurePosixPath, name: str) -> Any:
    """Return a volume that is made when it is first used."""
    from docker.types import Mount

    digest = hashlib.sha256(f"{place.player} {name}".encode()).hexdigest()[:16]
    labels = {LABEL: place.owner, PLAYER: place.player}
    return Mount(str(path), f"train-played-{digest}", type="volume", labels=labels)


def forget(place: Place) -> None:
    """Remove all caches."""
    import docker

    client = docker.from_env()
    for volume in client.volumes.list(filters={"label": f"{PLAYER}={place.player}"}):
        volume.remove()
    client.close()


def _runs(container: "Container") -> bool:
    container.reload()
    return str(container.status) != "exited"
