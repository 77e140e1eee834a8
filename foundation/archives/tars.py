"""Makes tars for containers, and gets the file out of those that come from there."""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from typing import IO

from foundation.archives.entries import Entry
from foundation.failures import ArchiveError

VCAP = 2000  # uid and gid of the user in every stack
CHUNK = 1 << 18
END = bytes(2 * tarfile.BLOCKSIZE)


def folders(*names: str) -> bytes:
    """Return a tar of empty folders owned by vcap."""
    made = [header(Entry(name=name, kind="folder", mode=0o755, mtime=0), "") for name in names]
    return b"".join([*made, END])


def secret_file(name: str, content: bytes) -> bytes:
    """Return a tar with one file that only root may read."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o400
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.PAX_FORMAT) + content + padding + END


def header(entry: Entry, prefix: str) -> bytes:
    """Return what begins an entry of a tar: it is owned by vcap and writable for it."""
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
