"""The apps' log lines on their way into the store, bounded for each app there.

Lines are written in batches on the store's thread. A transaction that is submitted after a line was logged
sees that line, because the store works in order. While the store cannot write, the lines wait; beyond a bound
the oldest make room, and a line says how many were lost.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future

from foundation.followers import Followers
from foundation.model.logs import LogLine, LogSink
from foundation.retrying import pauses
from foundation.rows.apps import App
from foundation.store import Db, Store

LINES_KEPT = 10_000  # for each app
QUEUE_LIMIT = 20_000  # lines not yet written

TRIM = """
DELETE FROM lines WHERE app_guid = ?1 AND timestamp <= (
  SELECT timestamp FROM lines WHERE app_guid = ?1 ORDER BY timestamp DESC LIMIT 1 OFFSET ?2)
"""

Queued = tuple[str, LogLine]  # with the guid of the app

log = logging.getLogger(__name__)


class Logs:
    """Takes lines from any thread but the store's own."""

    def __init__(self, store: Store) -> None:
        self.followers = Followers()
        self._store = store
        self._lock = threading.RLock()
        self._queue: deque[Queued] = deque()
        self._lost: Counter[str] = Counter()  # by app
        self._pending: Future[None] | None = None  # a write that will see all that is queued
        self._retry: threading.Timer | None = None  # there is one while the store cannot write
        self._pauses = pauses()
        self._closed = False

    def sink(self, app_guid: str) -> LogSink:
        """Return a function that logs lines of this app; who is faster than the store waits for it."""

        def take(line: LogLine) -> None:
            with self._lock:
                self._queue.append((app_guid, line))
                full = len(self._queue) > QUEUE_LIMIT
                self._submit()
                pending = self._pending
            if full and pending:
                pending.exception()
            self._drop_oldest()

        return take

    def write(self, db: Db) -> None:
        """Write what is queued within a transaction; where that is undone it is queued again."""
        with self._lock:
            self._pending = None
            batch, lost = list(self._queue), self._lost
            self._queue.clear()
            self._lost = Counter()
        db.after_rollback(lambda: self._take_back(batch, lost))
        _insert_all(db, batch, lost)

    def close(self) -> None:
        """Write what is queued, for the last time."""
        with self._lock:
            if self._retry:
                self._retry.cancel()
                self._retry = None
            self._submit()
            self._closed = True

    def _submit(self) -> None:
        if self._pending or self._retry or self._closed:
            return
        self._pending = self._store.submit(self.write)
        self._pending.add_done_callback(self._ended)

    def _ended(self, written: "Future[None]") -> None:
        error = written.exception()
        with self._lock:
            if error is None:
                self._pauses = pauses()
                return
            log.error("%d log lines wait to be written: %s", len(self._queue), error)
            if self._pending is written:  # it did not even begin
                self._pending = None
            if self._retry is None and not self._closed:
                self._retry = threading.Timer(next(self._pauses), self._again)
                self._retry.daemon = True
                self._retry.start()

    def _again(self) -> None:
        with self._lock:
            self._retry = None
            self._submit()

    def _take_back(self, batch: Sequence[Queued], lost: Counter[str]) -> None:
        with self._lock:
            self._queue.extendleft(reversed(batch))
            self._lost.update(lost)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        with self._lock:
            while len(self._queue) > QUEUE_LIMIT:
                app_guid, _ = self._queue.popleft()
                self._lost[app_guid] += 1


def forget(db: Db, app_guid: str) -> None:
    """Remove an app's lines."""
    db.connection.execute("DELETE FROM lines WHERE app_guid = ?", (app_guid,))


def _insert_all(db: Db, batch: Sequence[Queued], lost: Counter[str]) -> None:
    apps: dict[str, list[LogLine]] = {app_guid: [] for app_guid in lost}
    for app_guid, line in batch:
        apps.setdefault(app_guid, []).append(line)
    for app_guid, lines in apps.items():
        if db.get(App, app_guid) is None:  # deleted meanwhile
            continue
        if lost[app_guid]:
            lines.insert(0, _gap(lost[app_guid], lines[0].timestamp_ns if lines else time.time_ns()))
        for line in lines:
            _insert(db.connection, app_guid, line)
        db.connection.execute(TRIM, (app_guid, LINES_KEPT))


def _gap(count: int, at: int) -> LogLine:
    text = f"{count} lines were lost: the foundation's database could not be written"
    return LogLine(timestamp_ns=at, source_type="LGR", instance_id="0", stream="ERR", text=text)


def _insert(connection: sqlite3.Connection, app_guid: str, line: LogLine) -> None:
    # Readers go on from the last timestamp + 1, so two lines of an app must not share one.
    timestamp = line.timestamp_ns
    values = (line.source_type, line.instance_id, line.stream, line.text)
    statement = "INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?, ?)"
    while not connection.execute(statement, (app_guid, timestamp, *values)).rowcount:
        timestamp += 1
