"""Copies folders into a container before it starts, and out of it when it has ended."""

import io
import shutil
import tarfile
import time
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from docker.models.containers import Container

Places = Collection[PurePosixPath]
Wanted = Sequence[tuple[PurePosixPath, Path | None]]


def within(path: PurePosixPath, places: Places) -> Places:
    """Return those places that lie in a folder: what is there is not the folder's own."""
    return {place for place in places if path in place.parents}


def packed(wanted: Wanted, places: Places) -> IO[bytes]:
    """Return a tar of folders at their places, outer ones first; None stands for an empty one."""
    made = TemporaryFile()  # noqa: SIM115  # it is closed by whoever reads it
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(wanted, key=lambda row: row[0]):
            archive.addfile(_folder(path))
            for name in sorted(content.iterdir() if content else ()):
                hidden = partial(_ours, within(path, places))
                archive.add(name, arcname=str(path / name.name), filter=hidden)
    made.seek(0)
    return made


def _folder(path: PurePosixPath) -> tarfile.TarInfo:
    found = tarfile.TarInfo(str(path).lstrip("/"))
    found.type, found.mode, found.mtime = tarfile.DIRTYPE, 0o755, int(time.time())
    return found


def _ours(hidden: Places, member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Return what is copied as root's; nothing of what another input or output lies over."""
    if PurePosixPath("/", member.name) in hidden:
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def take(container: "Container", path: PurePosixPath, into: Path, places: Places) -> None:
    """Copy a folder out of an ended container; one that the task has removed is empty."""
    from docker.errors import NotFound

    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    try:
        stream, _ = container.get_archive(str(path))
    except NotFound:
        return
    hidden = within(path, places)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        for member in archive:
            _, _, member.name = member.name.partition("/")
            if member.islnk():
                _, _, member.linkname = member.linkname.partition("/")
            place = path / member.name
            if member.name and not any(one in place.parents for one in hidden):
                archive.extract(member, into, filter="fully_trusted")
