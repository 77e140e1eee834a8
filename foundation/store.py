"""The one SQLite database and the one thread that touches it.

Every row is a JSON document in one table. Callers hand over a function; it runs on the store's thread inside
one transaction, in the order of submission. A full disk or another program's lock is StoreUnavailableError:
whoever waits for an answer gets that, and what nobody waits for is tried until it is written (`persist`).
"""

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from foundation.errors import not_found
from foundation.failures import StoreUnavailableError
from foundation.retrying import pauses
from foundation.rows.base import Row, now
from foundation.store_failures import explained

LOCK_PATIENCE_S = 10.0  # for another program that has locked the file; every request waits that long

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, guid TEXT, data TEXT, UNIQUE (kind, guid));
CREATE TABLE IF NOT EXISTS lines (
  app_guid TEXT, timestamp INTEGER, source_type TEXT, instance_id TEXT, stream TEXT, text TEXT,
  PRIMARY KEY (app_guid, timestamp)) WITHOUT ROWID;
"""

# Each condition is a pair [field, accepted values]; IS lets None match an absent value.
FIND = """
SELECT data FROM rows WHERE kind = ?1 AND NOT EXISTS (
  SELECT 1 FROM json_each(?2) AS condition WHERE NOT EXISTS (
    SELECT 1 FROM json_each(condition.value, '$[1]') AS accepted
    WHERE accepted.value IS json_extract(rows.data, '$.' || json_extract(condition.value, '$[0]'))))
ORDER BY sequence
"""

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Row)
T = TypeVar("T")
Condition = tuple[str, Sequence[Any]]


class Db:
    """Rows within one transaction; only to be used on the store's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.committed: list[Callable[[], object]] = []
        self.undone: list[Callable[[], object]] = []

    def after_commit(self, act: Callable[[], object]) -> None:
        """Let something happen on this thread as soon as what is written here is sure to stay."""
        self.committed.append(act)

    def after_rollback(self, act: Callable[[], object]) -> None:
        """Let something happen on this thread where nothing of what is written here stays."""
        self.undone.append(act)

    def insert(self, row: R) -> R:
        """Keep a new row."""
        self.connection.execute(
            "INSERT INTO rows (kind, guid, data) VALUES (?, ?, ?)",
            (type(row).__name__, row.guid, _encode(row)),
        )
        return row

    def get(self, kind: type[R], guid: str) -> R | None:
        """Return the row with this guid, or None."""
        found = self.connection.execute(
            "SELECT data FROM rows WHERE kind = ? AND guid = ?", (kind.__name__, guid)
        ).fetchone()
        return kind(**json.loads(found[0])) if found else None

    def need(self, kind: type[R], guid: str) -> R:
        """Return the row with this guid; raise `Kind not found` where there is none."""
        row = self.get(kind, guid)
        if row is None:
            raise not_found(kind.__name__)
        return row

    def select(self, kind: type[R], conditions: Sequence[Condition]) -> list[R]:
        """Return the rows that meet every condition, oldest first."""
        found = self.connection.execute(FIND, (kind.__name__, json.dumps(conditions)))
        return [kind(**json.loads(data)) for (data,) in found]

    def find(self, kind: type[R], **fields: Any) -> list[R]:
        """Return the rows whose fields have these values, oldest first."""
        return self.select(kind, [(name, [value]) for name, value in fields.items()])

    def first(self, kind: type[R], **fields: Any) -> R | None:
        """Return the oldest row whose fields have these values, or None."""
        return next(iter(self.find(kind, **fields)), None)

    def change(self, row: R, **changes: Any) -> R:
        """Keep a row with other values."""
        changed = replace(row, updated_at=now(), **changes)
        self.connection.execute(
            "UPDATE rows SET data = ? WHERE kind = ? AND guid = ?",
            (_encode(changed), type(row).__name__, row.guid),
        )
        return changed

    def delete(self, *rows: Row) -> None:
        """Forget rows."""
        self.connection.executemany(
            "DELETE FROM rows WHERE kind = ? AND guid = ?", [(type(row).__name__, row.guid) for row in rows]
        )


class Store:
    """The database file and its thread."""

    def __init__(self, path: Path, patience_s: float = LOCK_PATIENCE_S) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store")
        with explained(path):
            self._connection: sqlite3.Connection = self._pool.submit(_open, path, patience_s).result()
        self._ending = threading.Event()

    def submit(self, work: Callable[[Db], T]) -> "Future[T]":
        """Queue a transaction; an exception undoes it and is handed on."""
        return self._pool.submit(self._transact, work)

    def call(self, work: Callable[[Db], T]) -> T:
        """Run a transaction and wait for it, from any other thread."""
        return self.submit(work).result()

    async def run(self, work: Callable[[Db], T]) -> T:
        """Run a transaction and wait for it, from a coroutine."""
        return await asyncio.wrap_future(self.submit(work))

    def persist(self, work: Callable[[Db], T]) -> T | None:
        """Run a transaction until it is written, from any other thread; None where the end came first.

        It is for what must be written though no client waits for it.
        """
        for pause in pauses():
            try:
                return self.call(work)
            except StoreUnavailableError as error:
                log.warning("What must be written is tried again: %s", error)
            if self._ending.wait(pause):
                break
        return None

    def end_waiting(self) -> None:
        """Let `persist` try once and no more: the store is about to be closed."""
        self._ending.set()

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self.end_waiting()
        self._pool.submit(self._connection.close).result()
        self._pool.shutdown()

    def _transact(self, work: Callable[[Db], T]) -> T:
        db = Db(self._connection)
        with explained(self._path):
            try:
                result = _written(self._connection, db, work)
            except BaseException:
                for act in db.undone:
                    act()
                raise
        for act in db.committed:
            act()
        return result


def _written(connection: sqlite3.Connection, db: Db, work: Callable[[Db], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it itself where the disk is full
            connection.execute("ROLLBACK")
        raise
    return result


def _open(path: Path, patience_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=patience_s)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(SCHEMA)
    return connection


def _encode(row: Row) -> str:
    return json.dumps(asdict(row))
