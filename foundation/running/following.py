"""Reads what an instance's supervisor prints, from where the last reader stopped, each line exactly once.

The mark lies in a file, so that a server that was killed goes on where it was.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from foundation.engine.engine import Engine

ROUNDING_S = 0.001  # a float of seconds is not exact; what is read again is skipped by its stamp


class Mark:
    """How far a log has been read: the engine's timestamp of the last piece, and how many pieces bear it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stamp, _, count = os.read(self._file, 100).decode().partition(" ")
        self.stamp = stamp
        self.count = int(count or 0)

    def since(self) -> float | None:
        """Return the time of the mark in epoch seconds, a little early."""
        if not self.stamp:
            return None
        whole, _, fraction = self.stamp.rstrip("Z").partition(".")
        return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction}") - ROUNDING_S

    def advance(self, stamp: str, count: int) -> None:
        """Note a line as handled."""
        self.stamp, self.count = stamp, count
        os.pwrite(self._file, f"{stamp} {count:010}".encode(), 0)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One line of the supervisor's: `fields` is None where it is no JSON, as when it panics."""

    text: str
    fields: dict[str, Any] | None


def records(engine: Engine, container: str, mark: Mark) -> Iterator[Record]:
    """Return the lines behind the mark; one counts as handled when the next one is asked for."""
    start, seen = mark.stamp, mark.count
    stamp, count, line = mark.stamp, 0, b""
    for piece in engine.follow(container, mark.since()):
        raw, _, data = piece.partition(b" ")
        now = raw.decode()
        count = count + 1 if now == stamp else 1
        stamp = now
        if now < start or (now == start and count <= seen):
            continue
        line += data  # the engine cuts long lines into pieces
        if line.endswith(b"\n"):
            yield _record(line)
            line = b""
            mark.advance(stamp, count)


def _record(line: bytes) -> Record:
    text = line.decode("utf-8", "replace").rstrip("\n")
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    return Record(text=text, fields=fields if isinstance(fields, dict) else None)
