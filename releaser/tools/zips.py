"""Writes and reads zips: the same bytes for the same entries, in constant memory, with Unix modes.

Already compressed data is stored, the rest deflated by isal at level 2: its bytes are the same for one
version of isal and one CPU architecture; across machines the list of (path, mode, digest) decides sameness.
"""

import hashlib
import lzma
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from releaser.errors import PackageError
from releaser.tools.packing import Packer, Seen, deflated

CHUNK = 1 << 20
SAMPLE = 1 << 17
STORED, DEFLATED = 0, 8
LIMIT32 = 0xFFFFFFFF
MARGIN = LIMIT32 >> 8  # what deflating may add to data that begins well and goes on badly
EPOCH_1980, EPOCH_2107 = 315532800, 4354819199  # what a zip's date can hold
LARGEST = 16 << 30  # bytes that reading a zip may unpack to: more is a bomb
# What zipfile raises for damaged, encrypted and unknown entries, apart from its own BadZipFile.
DAMAGED = (RuntimeError, EOFError, ValueError, LookupError, struct.error, zlib.error, lzma.LZMAError)
UNREADABLE = (zipfile.BadZipFile, OSError, *DAMAGED)
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file to put into a zip: from a path or from bytes; `digest` is the sha256 it must have, if known."""

    name: str
    mode: int
    content: Path | bytes
    digest: str | None = None


@dataclass(frozen=True, kw_only=True, order=True)
class Entry:
    """A file in a zip, as it counts for sameness: sha256 of its content, permission bits."""

    path: str
    mode: int
    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class _Written:
    """What the central directory says of an entry."""

    name: bytes
    mode: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def write(path: Path, sources: Iterable[Source], epoch: int, advance: Advance = lambda _: None) -> None:
    """Write a zip, whole or not at all; every entry is dated `epoch` (seconds, UTC).

    Raises PackageError where a source's digest is not the expected one, and OSError where the disk is full.
    """
    scratch = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = _dos_time(epoch)
    try:
        with scratch.open("wb") as out, Packer() as packer:
            written = [_write_entry(out, source, stamp, packer, advance) for source in sources]
            _write_directory(out, written, stamp)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _dos_time(epoch: int) -> tuple[int, int]:
    at = time.gmtime(min(max(epoch, EPOCH_1980), EPOCH_2107))
    return at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec // 2, (
        at.tm_year - 1980
    ) << 9 | at.tm_mon << 5 | at.tm_mday


def _chunks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _method(content: Path | bytes) -> int:
    """Store what its beginning shows to be compressed already."""
    first = next(_chunks(content), b"")[:SAMPLE]
    return DEFLATED if len(deflated(first)) < len(first) * 0.95 else STORED


def _write_entry(
    out: IO[bytes], source: Source, stamp: tuple[int, int], packer: Packer, advance: Advance
) -> _Written:
    method, expected = _method(source.content), _size(source.content)
    name, offset = source.name.encode(), out.tell()
    wide = expected >= LIMIT32 - MARGIN
    out.write(_local_header(name, method, stamp, 0, 0, 0, wide))
    start, seen = out.tell(), Seen()
    for part in packer.parts(_chunks(source.content), seen, deflate=method == DEFLATED, advance=advance):
        out.write(part)
    _require_digest(source, seen.digest.hexdigest())
    end = out.tell()
    out.seek(offset)
    out.write(_local_header(name, method, stamp, seen.crc, end - start, seen.size, wide))
    out.seek(end)
    return _Written(
        name=name,
        mode=source.mode,
        method=method,
        crc=seen.crc,
        packed=end - start,
        size=seen.size,
        offset=offset,
    )


def _require_digest(source: Source, found: str) -> None:
    if source.digest not in (None, found):
        raise PackageError(
            f"{source.name} has the digest {found}, not {source.digest}",
            "The file was damaged or replaced; delete it and run again.",
        )


def _local_header(
    name: bytes, method: int, stamp: tuple[int, int], crc: int, packed: int, size: int, wide: bool
) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, size, packed) if wide else b""
    shown = (LIMIT32, LIMIT32) if wide else (packed, size)
    version = 45 if wide else 20
    fixed = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, version, 0x800, method, *stamp, crc, *shown, len(name), len(extra)
    )
    return fixed + name + extra


def _write_directory(out: IO[bytes], written: list[_Written], stamp: tuple[int, int]) -> None:
    start = out.tell()
    for entry in written:
        out.write(_directory_entry(entry, stamp))
    end = out.tell()
    count, length = len(written), end - start
    if count >= 0xFFFF or end >= LIMIT32:
        out.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, length, start))
        out.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
    short = min(count, 0xFFFF)
    tail = (short, short, min(length, LIMIT32), min(start, LIMIT32), 0)
    out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *tail))


def _directory_entry(entry: _Written, stamp: tuple[int, int]) -> bytes:
    values = (entry.size, entry.packed, entry.offset)
    wide = b"".join(struct.pack("<Q", value) for value in values if value >= LIMIT32)
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    size, packed, offset = (min(value, LIMIT32) for value in values)
    version = 45 if extra else 20
    attributes = (stat.S_IFREG | entry.mode) << 16
    head = struct.pack(
        "<IHHHHHHIII",
        0x02014B50,
        3 << 8 | version,
        version,
        0x800,
        entry.method,
        *stamp,
        entry.crc,
        packed,
        size,
    )
    tail = struct.pack("<HHHHHII", len(entry.name), len(extra), 0, 0, 0, attributes, offset)
    return head + tail + entry.name + extra


def entries(path: Path) -> list[Entry]:
    """Return the files of a zip, sorted by path, each read through; raises PackageError for a hostile one."""
    found: dict[str, Entry] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                raise PackageError(
                    f"{path.name} would unpack to more than {LARGEST >> 30} GiB", "It is not ours."
                )
            for info in archive.infolist():
                entry = _read_entry(archive, info, path.name)
                if found.setdefault(entry.path, entry) is not entry:
                    raise PackageError(
                        f"{path.name} holds {entry.path} twice", "It is not ours: make it again."
                    )
    except UNREADABLE as error:
        raise PackageError(f"{path.name} cannot be read: {error}", "Delete it and run again.") from error
    return sorted(found.values())


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, zip_name: str) -> Entry:
    mode = info.external_attr >> 16
    name = info.orig_filename  # `filename` ends at a NUL
    escapes = name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or "\0" in name
    if escapes or not stat.S_ISREG(mode):
        raise PackageError(f"{zip_name} holds {name!r}, which is no plain file in it", "It is not ours.")
    digest = hashlib.sha256()
    with archive.open(info) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return Entry(path=info.filename, mode=stat.S_IMODE(mode), digest=digest.hexdigest(), size=info.file_size)
