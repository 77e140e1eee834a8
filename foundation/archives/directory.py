"""Looks at the end of a zip before it is parsed, as Python makes an object of each entry it lists."""

import struct
from pathlib import Path
from typing import BinaryIO

from foundation.failures import ArchiveError

MOST_ENTRIES = 200_000
LARGEST_DIRECTORY = 64 << 20  # bytes: more than so many entries with long names need

END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"
END_SIZE = 22
LONGEST_COMMENT = 1 << 16
LOCATOR, LOCATOR_SIZE = b"PK\x06\x07", 20
END_64, END_64_SIZE = b"PK\x06\x06", 56


def check(path: Path) -> None:
    """Raise ArchiveError where a zip lists too much, or has no end.

    A count in the end record may lie, so the entries' own signatures are counted too.
    """
    with path.open("rb") as file:
        count, size, start = _end(file)
        if size > LARGEST_DIRECTORY:
            raise ArchiveError(f"the archive's directory has {size} bytes, more than {LARGEST_DIRECTORY}")
        file.seek(max(0, start - size))
        count = max(count, file.read(size).count(ENTRY))
    if count > MOST_ENTRIES:
        raise ArchiveError(f"the archive holds {count} entries, more than {MOST_ENTRIES}")


def _end(file: BinaryIO) -> tuple[int, int, int]:
    """Return how many entries the end record names, how long its directory is, and where that ends."""
    length = file.seek(0, 2)
    first = max(0, length - END_SIZE - LONGEST_COMMENT)
    file.seek(first)
    tail = file.read()
    place = tail.rfind(END)
    if tail[-END_SIZE:].startswith(END) and tail.endswith(b"\0\0"):
        place = len(tail) - END_SIZE  # as Python's own reader prefers it
    if place < 0 or len(tail) - place < END_SIZE:
        raise ArchiveError("the archive is broken: it has no end record")
    count, size = struct.unpack_from("<HI", tail, place + 10)
    at = first + place
    return _large_end(file, at) or (count, size, at)


def _large_end(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """Return the same of the further end record that large archives have before the other."""
    at = end - LOCATOR_SIZE - END_64_SIZE
    if at < 0:
        return None
    file.seek(at)
    record = file.read(END_64_SIZE + LOCATOR_SIZE)
    if not record.startswith(END_64) or record[END_64_SIZE:][:4] != LOCATOR:
        return None
    count, size = struct.unpack_from("<QQ", record, 32)
    return count, size, at
