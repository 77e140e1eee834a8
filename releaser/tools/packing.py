"""Reads a file once and hands out its parts, hashed and where wished deflated, on as many cores as help.

The file is cut into parts of one size, each deflated on its own and ended on a whole byte, so that the bytes
do not depend on how many threads worked. What is in memory does not grow with the file.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType

from isal import isal_zlib

LEVEL = 2
END = b"\x03\x00"  # an empty last block: the parts before it do not know that they are the last
MOST_THREADS = 4  # more would wait for the disk, and each holds a part


@dataclass
class Seen:
    """What is known of a file that was read to its end."""

    crc: int = 0
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class Packer:
    """The threads that hash and deflate; hashing of one file is always in the order of its parts."""

    def __init__(self) -> None:
        cores = len(os.sched_getaffinity(0))
        self._deflating = ThreadPoolExecutor(min(cores, MOST_THREADS), "deflate")
        self._hashing = ThreadPoolExecutor(1, "hash")
        self._ahead = min(cores, MOST_THREADS) + 1

    def __enter__(self) -> "Packer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deflating.shutdown(cancel_futures=True)
        self._hashing.shutdown(cancel_futures=True)

    def parts(
        self, chunks: Iterable[bytes], seen: Seen, *, deflate: bool, advance: Callable[[int], None]
    ) -> Iterator[bytes]:
        """Yield what is to be written, part after part, and fill `seen` by the end."""
        waiting: deque[tuple[Future[bytes] | bytes, Future[None]]] = deque()
        for chunk in chunks:
            seen.crc, seen.size = isal_zlib.crc32(chunk, seen.crc), seen.size + len(chunk)
            packed = self._deflating.submit(deflated, chunk) if deflate else chunk
            waiting.append((packed, self._hashing.submit(seen.digest.update, chunk)))
            advance(len(chunk))
            if len(waiting) > self._ahead:
                yield _ready(*waiting.popleft())
        while waiting:
            yield _ready(*waiting.popleft())
        if deflate:
            yield END


def _ready(packed: Future[bytes] | bytes, hashed: Future[None]) -> bytes:
    part = packed if isinstance(packed, bytes) else packed.result()
    hashed.result()
    return part


def deflated(chunk: bytes) -> bytes:
    """Return one part of a raw deflate stream, which needs nothing of the parts before it."""
    packer = isal_zlib.compressobj(LEVEL, wbits=-15)
    return bytes(packer.compress(chunk) + packer.flush(isal_zlib.Z_SYNC_FLUSH))
