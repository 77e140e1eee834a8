"""Reading an instance's log from where the last reader stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from foundation.engine.engine import Engine
from foundation.running.following import Mark, records

STAMPS = [f"2026-01-01T00:00:0{second}.000000001Z" for second in range(5)]


class Log:
    """An engine whose container has logged these pieces; `since` is honoured as the engine does."""

    def __init__(self, pieces: list[tuple[str, str]]) -> None:
        self.pieces = pieces
        self.since: float | None = None

    def follow(self, _: str, since: float | None) -> Iterator[bytes]:
        self.since = since
        for stamp, text in self.pieces:
            yield f"{stamp} {text}".encode()


def read(log: Log, mark: Mark) -> Iterator[str]:
    return (record.text for record in records(cast("Engine", log), "container", mark))


def test_a_reader_goes_on_behind_the_last_line_that_was_handled(tmp_path: Path) -> None:
    same = STAMPS[1]
    log = Log([(STAMPS[0], "0\n"), (same, "1\n"), (same, "2\n"), (same, "3\n"), (STAMPS[2], "4\n")])
    first = read(log, Mark(tmp_path / "mark"))
    assert [next(first) for _ in range(4)] == ["0", "1", "2", "3"]
    del first  # killed: "3" was handed over and not acknowledged
    mark = Mark(tmp_path / "mark")
    assert list(read(log, mark)) == ["3", "4"]
    assert log.since is not None
    assert list(read(log, Mark(tmp_path / "mark"))) == []


def test_pieces_of_a_long_line_are_one_record(tmp_path: Path) -> None:
    log = Log([(STAMPS[0], '{"text":'), (STAMPS[0], '"a'), (STAMPS[1], ' b"}\n'), (STAMPS[2], "no json\n")])
    found = list(records(cast("Engine", log), "container", Mark(tmp_path / "mark")))
    assert [record.fields for record in found] == [{"text": "a b"}, None]


def test_the_mark_is_read_a_little_early_and_never_late(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "mark")
    assert mark.since() is None
    mark.advance("1970-01-01T00:01:40.500000000Z", 1)
    since = mark.since()
    assert since is not None
    assert 100.49 < since < 100.5
