"""The store where it cannot write: another program's lock, and a disk that is full."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foundation.failures import StoreUnavailableError
from foundation.rows.work import Job
from foundation.store import Db, Store

FILE = "foundation.db"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that soon gives in to a lock."""
    made = Store(tmp_path / FILE, patience_s=0.1)
    yield made
    made.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the database as another program would."""
    other = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def a_job(db: Db) -> Job:
    return db.insert(Job(operation="x", link="apps", resource_guid=""))


def jobs(store: Store) -> int:
    return len(store.call(lambda db: db.find(Job)))


def test_locked_database_says_so_and_works_again_afterwards(store: Store, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StoreUnavailableError, match="another program has locked it"):
        store.call(a_job)
    store.call(a_job)
    assert jobs(store) == 1


def test_full_database_says_so_undoes_the_transaction_and_works_again(store: Store) -> None:
    def fill(db: Db) -> None:
        for _ in range(10_000):
            a_job(db)

    store.call(lambda db: db.connection.execute("PRAGMA max_page_count = 30").fetchall())
    with pytest.raises(StoreUnavailableError, match="the disk is full"):
        store.call(fill)
    assert jobs(store) == 0
    store.call(a_job)
    assert jobs(store) == 1


def test_database_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="it cannot be opened"):
        Store(tmp_path / "absent" / FILE)


def test_persist_writes_once_the_lock_is_gone(store: Store, tmp_path: Path) -> None:
    with locked(tmp_path):
        kept: list[Job | None] = []
        thread = threading.Thread(target=lambda: kept.append(store.persist(a_job)))
        thread.start()
        time.sleep(0.5)  # more than one try
        assert thread.is_alive()
    thread.join(10)
    assert kept[0] is not None
    assert jobs(store) == 1


def test_persist_gives_up_at_the_end_after_one_try(store: Store, tmp_path: Path) -> None:
    store.end_waiting()
    with locked(tmp_path):
        assert store.persist(a_job) is None
    assert store.persist(a_job) is not None


def test_persist_hands_on_what_no_repetition_mends(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.persist(lambda db: db.connection.execute("SELECT * FROM absent"))


def test_what_waits_for_the_commit_happens_after_it_and_what_waits_for_the_undoing_too(store: Store) -> None:
    happened: list[str] = []

    def work(db: Db, *, broken: bool) -> None:
        db.after_commit(lambda: happened.append("committed"))
        db.after_rollback(lambda: happened.append("undone"))
        assert happened == []
        if broken:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        store.call(lambda db: work(db, broken=True))
    assert happened == ["undone"]
    happened.clear()
    store.call(lambda db: work(db, broken=False))
    assert happened == ["committed"]
