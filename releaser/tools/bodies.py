"""What is sent to a store: read once before, to know its MD5, and counted while it goes."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from releaser.errors import StoreError

CHUNK = 1 << 20
Advance = Callable[[int], None]


def content_md5(source: Path | bytes, digest: str) -> str:
    """Return the Content-MD5 by which the store refuses a damaged body.

    Raises StoreError where the bytes are not of that sha256: a file that changed is not sent.
    """
    md5, actual = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    for chunk in _chunks(source):
        md5.update(chunk)
        actual.update(chunk)
    if actual.hexdigest() != digest:
        name = source.name if isinstance(source, Path) else "what is to be put"
        raise StoreError(
            f"{name} has the digest {actual.hexdigest()}, not {digest}",
            "It changed after it was made. Run the same command again.",
        )
    return base64.b64encode(md5.digest()).decode()


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


class Counted:
    """A file that tells how much of it has been read; boto3 goes back to sign it first and to try again."""

    def __init__(self, file: IO[bytes], advance: Advance) -> None:
        self.file = file
        self.advance = advance
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        """Read, and tell."""
        data = self.file.read(size)
        self._is_at(self.position + len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, and tell."""
        self._is_at(self.file.seek(offset, whence))
        return self.position

    def tell(self) -> int:
        """Return the place."""
        return self.position

    def _is_at(self, position: int) -> None:
        self.advance(position - self.position)
        self.position = position
