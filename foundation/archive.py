"""Reads archives that users and buildpacks bring: zips into folders or tar streams, a file out of a tar.

Nothing is written outside of the target, no link leads out of it, and nothing unpacks to more than a limit.
"""

import calendar
import hashlib
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from foundation.failures import ArchiveError

VCAP = 2000  # uid and gid of the user in every stack
CHUNK = 1 << 18
MOST_ENTRIES = 200_000
LARGEST = 8 << 30  # bytes that an archive may unpack to
LONGEST_TARGET = 4096
MOST_LINKS = 40  # that a path may lead through, as in Linux

Kind = Literal["file", "folder", "link"]
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file, folder or link: `name` is relative and clean, `target` is a link's, `info` a file's."""

    name: str
    kind: Kind
    mode: int
    mtime: int
    target: str = ""
    info: zipfile.ZipInfo | None = None


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; whatever is broken in it is raised as ArchiveError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise ArchiveError(f"the archive is broken: {error}") from error


def entries(archive: zipfile.ZipFile, *, limit: int = LARGEST) -> list[Entry]:
    """Return a zip's entries sorted by name, with the folders that it does not list; of equal names the last.

    Raises ArchiveError where a name or a link leads out, links go in a circle, something lies below a file or
    link, an entry is neither file, folder nor link, or there are too many entries or more than `limit` bytes.
    """
    found = archive.infolist()
    if len(found) > MOST_ENTRIES:
        raise ArchiveError(f"the archive holds {len(found)} entries, more than {MOST_ENTRIES}")
    size = sum(info.file_size for info in found)
    if size > limit:
        raise ArchiveError(f"the archive unpacks to {size} bytes, more than {limit}")
    named = {entry.name: entry for entry in (_entry(archive, info) for info in found)}
    for name in list(named):
        for parent in PurePosixPath(name).parents:
            above = named.setdefault(str(parent), Entry(name=str(parent), kind="folder", mode=0o755, mtime=0))
            if above.kind != "folder":
                raise ArchiveError(f"the archive's entry '{name}' lies below '{parent}', which is no folder")
    named.pop(".", None)
    links = {name: entry.target for name, entry in named.items() if entry.kind == "link"}
    for name in links:
        _check_link(name, links)
    return [named[name] for name in sorted(named)]


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\0" in info.filename:
        raise ArchiveError(f"the archive's entry '{info.filename}' leads out of its folder")
    mode = info.external_attr >> 16
    mtime = max(0, calendar.timegm((*info.date_time, 0, 0, 0)))
    permissions = mode & 0o777
    if info.is_dir() or stat.S_ISDIR(mode):
        return Entry(name=str(path), kind="folder", mode=permissions or 0o755, mtime=mtime)
    if stat.S_ISLNK(mode):
        target = _target(archive, info)
        return Entry(name=str(path), kind="link", mode=0o777, mtime=mtime, target=target)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f"the archive's entry '{info.filename}' is neither file, folder nor link")
    return Entry(name=str(path), kind="file", mode=permissions or 0o644, mtime=mtime, info=info)


def _target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > LONGEST_TARGET:
        raise ArchiveError(f"the archive's link '{info.filename}' has a target of {info.file_size} bytes")
    return archive.read(info).decode()


def _check_link(name: str, links: Mapping[str, str]) -> None:
    """Follow a link as the kernel would; a target that is not there is fine, one outside is not."""
    place = list(PurePosixPath(name).parent.parts)
    ahead = [PurePosixPath(name).name]
    followed = 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            if not place:
                raise ArchiveError(f"the archive's link '{name}' leads out of its folder: '{links[name]}'")
            place.pop()
            continue
        place.append(part)
        target = links.get("/".join(place))
        if target is None:
            continue
        followed += 1
        if target.startswith("/"):
            raise ArchiveError(f"the archive's link '{name}' leads out of its folder: '{target}'")
        if followed > MOST_LINKS:
            raise ArchiveError(f"the archive's link '{name}' leads in a circle")
        place.pop()
        ahead.extend(reversed(PurePosixPath(target).parts))


def unpack(path: Path, into: Path, *, limit: int = LARGEST) -> None:
    """Unpack a zip into a new folder that everybody may read; execute bits are kept."""
    with opened(path) as archive:
        found = entries(archive, limit=limit)
        into.mkdir(mode=0o755)
        into.chmod(0o755)
        for entry in found:
            place = into / entry.name
            if entry.kind == "folder":
                place.mkdir()
                place.chmod(0o755)
            elif entry.kind == "link":
                place.symlink_to(entry.target)
            else:
                with place.open("xb") as file:
                    file.writelines(_content(archive, entry))
                place.chmod(entry.mode | 0o444)


def tar_of(path: Path, *, under: str, limit: int = LARGEST) -> Iterator[bytes]:
    """Return a zip as the stream of a tar, in a folder `under`, all owned by vcap and writable for it."""
    with opened(path) as archive:
        yield _header(Entry(name=under, kind="folder", mode=0o755, mtime=0), "")
        for entry in entries(archive, limit=limit):
            yield _header(entry, f"{under}/")
            if entry.info:
                yield from _content(archive, entry)
                yield bytes(-entry.info.file_size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def folders(*names: str) -> bytes:
    """Return a tar of empty folders owned by vcap."""
    made = [_header(Entry(name=name, kind="folder", mode=0o755, mtime=0), "") for name in names]
    return b"".join([*made, bytes(2 * tarfile.BLOCKSIZE)])


def secret_file(name: str, content: bytes) -> bytes:
    """Return a tar with one file that only root may read."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o400
    padding = bytes(-len(content) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.PAX_FORMAT) + content + padding


def _header(entry: Entry, prefix: str) -> bytes:
    info = tarfile.TarInfo(prefix + entry.name)
    info.uid = info.gid = VCAP
    info.uname = info.gname = "vcap"
    info.mtime, info.mode = entry.mtime, entry.mode
    if entry.kind == "folder":
        info.type, info.mode = tarfile.DIRTYPE, entry.mode | 0o700
    elif entry.kind == "link":
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
    elif entry.info:
        info.size, info.mode = entry.info.file_size, entry.mode | 0o600
    return info.tobuf(tarfile.PAX_FORMAT)


def _content(archive: zipfile.ZipFile, entry: Entry) -> Iterator[bytes]:
    """Return a file's content: as many bytes as the zip says, or ArchiveError."""
    if entry.info is None:
        return
    left = entry.info.file_size
    with archive.open(entry.info) as file:
        while chunk := file.read(CHUNK):
            left -= len(chunk)
            yield chunk
    if left:
        raise ArchiveError(f"the archive's entry '{entry.name}' is {left} bytes shorter than it says")


class _Stream(io.RawIOBase):
    """Chunks as a file to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return taken


def only_file(tar: Iterable[bytes], into: IO[bytes]) -> str:
    """Write the content of a tar's only file and return its SHA-256 as hex."""
    digest = hashlib.sha256()
    with tarfile.open(fileobj=_Stream(tar), mode="r|") as archive:
        member = archive.next()
        file = archive.extractfile(member) if member else None
        if file is None:
            raise ArchiveError("there is no file where one was expected")
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            into.write(chunk)
    return digest.hexdigest()
