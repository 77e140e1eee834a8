"""The one SQLite database and the one thread that touches it.

Every row is a JSON document in one table. Callers hand over a function; it runs on the store's thread inside
one transaction, in the order of submission.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from foundation.errors import not_found
from foundation.rows.base import Row, now

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

R = TypeVar("R", bound=Row)
T = TypeVar("T")
Condition = tuple[str, Sequence[Any]]


class Db:
    """Rows within one transaction; only to be used on the store's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

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

    def __init__(self, path: Path) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._connection: sqlite3.Connection = self._pool.submit(_open, path).result()

    def submit(self, work: Callable[[Db], T]) -> "Future[T]":
        """Queue a transaction; an exception undoes it and is handed on."""
        return self._pool.submit(self._transact, work)

    def call(self, work: Callable[[Db], T]) -> T:
        """Run a transaction and wait for it, from any other thread."""
        return self.submit(work).result()

    async def run(self, work: Callable[[Db], T]) -> T:
        """Run a transaction and wait for it, from a coroutine."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Finish what is queued and close the file."""
        self._pool.submit(self._connection.close).result()
        self._pool.shutdown()

    def _transact(self, work: Callable[[Db], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(Db(self._connection))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(SCHEMA)
    return connection


def _encode(row: Row) -> str:
    return json.dumps(asdict(row))
