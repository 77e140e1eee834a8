"""Cuts what a container prints into lines."""

import time
from collections.abc import Iterable, Iterator

from foundation.model.logs import LogLine, LogSink, Stream

LONGEST_LINE = 61440  # bytes, as on the platform


def lines(frames: Iterable[tuple[Stream, bytes]]) -> Iterator[tuple[Stream, str]]:
    """Return each stream's lines as they are complete, then what is left; over-long ones in pieces."""
    rests: dict[Stream, bytes] = {"OUT": b"", "ERR": b""}
    for stream, data in frames:
        *whole, rest = (rests[stream] + data).split(b"\n")
        for line in whole:
            yield from ((stream, piece) for piece in _pieces(line))
        while len(rest) > LONGEST_LINE:
            yield stream, _text(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        rests[stream] = rest
    for stream, rest in rests.items():
        if rest:
            yield stream, _text(rest)


def _pieces(line: bytes) -> Iterator[str]:
    for start in range(0, max(len(line), 1), LONGEST_LINE):
        yield _text(line[start : start + LONGEST_LINE])


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")


def tell(sink: LogSink, source_type: str, instance_id: str, text: str, stream: Stream = "OUT") -> None:
    """Log a line of the platform's own, with the time of now."""
    line = LogLine(
        timestamp_ns=time.time_ns(),
        source_type=source_type,
        instance_id=instance_id,
        stream=stream,
        text=text,
    )
    sink(line)
