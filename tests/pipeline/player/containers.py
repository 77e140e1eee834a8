"""Runs a task in a container of its own: copies of its inputs go in, copies of its outputs come out."""

import hashlib
import io
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.pipeline.player import privilege
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

    def hidden(self, path: PurePosixPath) -> Collection[PurePosixPath]:
        """Return what lies in a folder, but is an input or output of its own."""
        places = {place for place, _ in (*self.inputs, *self.outputs)} | set(self.caches)
        return {place for place in places if path in place.parents}


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
            _take(container, path, into, order.hidden(path))
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
        container.put_archive("/", _packed(order))
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

    paths = {path for path, _ in (*order.inputs, *order.outputs)}
    return [Mount(str(path), None, type="volume") for path in sorted(paths)]


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


def _packed(order: Order) -> Any:
    """Return a tar of all inputs at their places, those in others after those around them."""
    made = TemporaryFile()  # noqa: SIM115  # it is closed by whoever reads it
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted([(order.folder, None), *order.inputs], key=lambda row: row[0]):
            archive.addfile(_folder(path))
            for name in sorted(content.iterdir() if content else ()):
                archive.add(name, arcname=str(path / name.name), filter=partial(_ours, order.hidden(path)))
    made.seek(0)
    return made


def _folder(path: PurePosixPath) -> tarfile.TarInfo:
    found = tarfile.TarInfo(str(path).lstrip("/"))
    found.type, found.mode, found.mtime = tarfile.DIRTYPE, 0o755, int(time.time())
    return found


def _ours(hidden: Collection[PurePosixPath], member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Return what is copied as root's; nothing of what another input or output lies over."""
    if PurePosixPath("/", member.name) in hidden:
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _take(container: "Container", path: PurePosixPath, into: Path, hidden: Collection[PurePosixPath]) -> None:
    """Copy a folder out of an ended container; one that the task has removed is empty."""
    from docker.errors import NotFound

    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    try:
        stream, _ = container.get_archive(str(path))
    except NotFound:
        return
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        for member in archive:
            _, _, member.name = member.name.partition("/")
            if member.islnk():
                _, _, member.linkname = member.linkname.partition("/")
            place = path / member.name
            if member.name and not any(one in place.parents for one in hidden):
                archive.extract(member, into, filter="fully_trusted")
