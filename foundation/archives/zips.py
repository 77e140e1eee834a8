"""Reads zips: into a folder, or as the stream of a tar."""

import errno
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.archives import directory
from foundation.archives.entries import LARGEST, Entry, entries
from foundation.archives.tars import CHUNK, END, header
from foundation.failures import ArchiveError

BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; whatever is broken in it is raised as ArchiveError."""
    directory.check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise ArchiveError(f"the archive is broken: {error}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # of reading at a place before the file's begin
            raise
        raise ArchiveError("the archive is broken: it is cut") from error


def check(archive: zipfile.ZipFile, *, limit: int = LARGEST) -> None:
    """Raise ArchiveError where an open zip could not be unpacked, whole and within its folder."""
    for entry in entries(archive, limit=limit):
        for _ in _content(archive, entry):
            pass


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
        yield header(Entry(name=under, kind="folder", mode=0o755, mtime=0), "")
        for entry in entries(archive, limit=limit):
            yield header(entry, f"{under}/")
            if entry.info:
                yield from _content(archive, entry)
                yield bytes(-entry.info.file_size % tarfile.BLOCKSIZE)
    yield END


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
