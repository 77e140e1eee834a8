"""Reading an instance's log to its end, whatever fails meanwhile."""

import sqlite3
import threading
from pathlib import Path

import pytest

from foundation import retrying
from foundation.model.logs import LogLine
from foundation.running.journal import Journal
from tests.foundation.engine_fixtures import Lines, until
from tests.foundation.running.away import AwayEngine, Held, words

LINE = words(source="APP/PROC/WEB", stream="OUT", text="hello")
ENDED = words(event="ended", source="", reason="APP/PROC/WEB: Exited with status 3")


class Read:
    """A journal of a container that runs."""

    def __init__(self, mark: Path, engine: AwayEngine) -> None:
        self.engine, self.log = engine, Lines()
        self.held = engine.held["c"] = Held({}, running=True)
        self.wake, self.closing = threading.Event(), threading.Event()
        self.failing: list[Exception] = []
        self.mark = mark

    def begin(self) -> Journal:
        return Journal(
            engine=self.engine.real(),
            container="c",
            mark=self.mark,
            index=0,
            log=self._take,
            wake=self.wake,
            closing=self.closing,
        )

    def _take(self, line: LogLine) -> None:
        if self.failing:
            raise self.failing.pop()
        self.log(line)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    monkeypatch.setattr(retrying, "FIRST_S", 0.01)
    return Read(tmp_path / "marks" / "c", AwayEngine())


def ended(journal: Journal) -> str | None:
    journal.drain()
    return journal.ended


@pytest.mark.parametrize("error", [OSError("disk full"), sqlite3.OperationalError("database is locked")])
def test_a_line_that_cannot_be_kept_is_read_again_and_the_end_is_seen(read: Read, error: Exception) -> None:
    read.failing = [error]
    read.held.log = [words(source="APP/PROC/WEB", stream="OUT", text="before"), LINE]
    read.held.end(ENDED)
    assert ended(read.begin()) == "APP/PROC/WEB: Exited with status 3"
    assert read.log.texts() == ["before", "hello"]
    assert read.wake.is_set()


def test_a_mark_that_cannot_be_made_does_not_hide_the_end(read: Read) -> None:
    read.mark.parent.write_text("no folder")
    read.held.end(LINE, ENDED)
    journal = read.begin()
    read.mark.parent.unlink()
    assert ended(journal) == "APP/PROC/WEB: Exited with status 3"
    assert read.log.texts() == ["hello"]


def test_an_engine_that_goes_away_and_comes_back_is_read_on_from_the_mark(read: Read) -> None:
    read.held.log = [LINE]
    journal = read.begin()
    until(lambda: read.log.texts() == ["hello"])
    read.engine.away.set()
    until(lambda: read.engine.fails.get("follow", 0) <= -2)
    assert journal.ended is None
    read.engine.away.clear()
    read.held.log.append(words(source="APP/PROC/WEB", stream="OUT", text="again"))
    until(lambda: read.log.texts() == ["hello", "again"])
    read.held.end(ENDED)
    assert ended(journal) == "APP/PROC/WEB: Exited with status 3"


def test_a_log_that_breaks_off_is_read_on_while_the_container_runs(read: Read) -> None:
    read.held.log = [LINE]
    journal = read.begin()
    until(lambda: read.log.texts() == ["hello"])
    read.engine.cut.set()
    until(lambda: not read.engine.cut.is_set())
    read.held.log.append(words(source="APP/PROC/WEB", stream="OUT", text="again"))
    until(lambda: read.log.texts() == ["hello", "again"])
    assert journal.ended is None
    read.held.end(ENDED)
    assert ended(journal) == "APP/PROC/WEB: Exited with status 3"


def test_a_container_that_is_gone_when_the_engine_is_back_has_ended(read: Read) -> None:
    read.engine.away.set()
    journal = read.begin()
    read.engine.held.clear()
    read.engine.away.clear()
    assert ended(journal) == "Exited with status 137"


@pytest.mark.parametrize(("oom", "suffix"), [(False, ""), (True, " (out of memory)")])
def test_a_supervisor_that_says_no_end_is_told_by_the_engine(read: Read, oom: bool, suffix: str) -> None:
    read.held.out_of_memory = oom
    read.held.end(words(event="exited", source="APP/PROC/WEB", status=9), exit_code=137)
    assert ended(read.begin()) == f"Exited with status 137{suffix}"


def test_processes_that_were_asked_to_end_have_no_reason(read: Read) -> None:
    read.held.end(words(event="ended", source=""), exit_code=0)
    assert ended(read.begin()) == ""


def test_a_server_that_closes_leaves_the_end_to_the_next(read: Read) -> None:
    read.engine.away.set()
    journal = read.begin()
    read.closing.set()
    assert ended(journal) is None
    assert not read.wake.is_set()
