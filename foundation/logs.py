"""The apps' log lines: bounded for each app, kept in the store, read as log-cache envelopes.

Lines are written in batches on the store's thread. A transaction that is submitted after a line was logged
sees that line, because the store works in order; a build relies on this to end after its last STG line.
"""

import base64
import sqlite3
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.model.logs import LogLine, LogSink
from foundation.rows.apps import App, Process
from foundation.rows.tenants import Organization, Space
from foundation.store import Db, Store

LINES_KEPT = 10_000  # for each app
QUEUE_LIMIT = 20_000  # lines not yet written; a writer that is faster waits

READ = """
SELECT timestamp, source_type, instance_id, stream, text FROM lines
WHERE app_guid = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp
"""
READ_NEWEST = READ.rstrip() + " DESC"
TRIM = """
DELETE FROM lines WHERE app_guid = ?1 AND timestamp <= (
  SELECT timestamp FROM lines WHERE app_guid = ?1 ORDER BY timestamp DESC LIMIT 1 OFFSET ?2)
"""
META = "SELECT app_guid, count(*), min(timestamp), max(timestamp) FROM lines GROUP BY app_guid"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which lines to read: from `start` (inclusive) to `end` (exclusive), nanoseconds."""

    start: int
    end: int
    limit: int
    newest_first: bool


class Logs:
    """Takes lines from any thread but the store's own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: deque[tuple[str, LogLine]] = deque()

    def sink(self, app_guid: str) -> LogSink:
        """Return a function that logs lines of this app."""

        def log(line: LogLine) -> None:
            self._queue.append((app_guid, line))
            written = self._store.submit(self._write)
            if len(self._queue) > QUEUE_LIMIT:
                written.result()

        return log

    def _write(self, db: Db) -> None:
        apps: dict[str, list[LogLine]] = {}
        while self._queue:
            app_guid, line = self._queue.popleft()
            apps.setdefault(app_guid, []).append(line)
        for app_guid, lines in apps.items():
            if db.get(App, app_guid) is None:  # deleted meanwhile
                continue
            for line in lines:
                _insert(db.connection, app_guid, line)
            db.connection.execute(TRIM, (app_guid, LINES_KEPT))


def _insert(connection: sqlite3.Connection, app_guid: str, line: LogLine) -> None:
    # Readers go on from the last timestamp + 1, so two lines of an app must not share one.
    timestamp = line.timestamp_ns
    values = (line.source_type, line.instance_id, line.stream, line.text)
    statement = "INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?, ?)"
    while not connection.execute(statement, (app_guid, timestamp, *values)).rowcount:
        timestamp += 1


def read(db: Db, app: App, window: Window) -> list[dict[str, Any]]:
    """Return the envelopes of an app within a window."""
    statement = READ_NEWEST if window.newest_first else READ
    found = db.connection.execute(statement, (app.guid, window.start, window.end)).fetchmany(window.limit)
    tags = _tags(db, app)
    processes = {process.type: process.guid for process in db.find(Process, app_guid=app.guid)}
    return [_envelope(app.guid, tags, processes, line) for line in found]


def meta(db: Db) -> dict[str, Any]:
    """Return how many lines of each app there are, and from when."""
    return {
        guid: {
            "count": str(count),
            "expired": "0",
            "oldest_timestamp": str(oldest),
            "newest_timestamp": str(newest),
        }
        for guid, count, oldest, newest in db.connection.execute(META)
    }


def forget(db: Db, app_guid: str) -> None:
    """Remove an app's lines."""
    db.connection.execute("DELETE FROM lines WHERE app_guid = ?", (app_guid,))


def _tags(db: Db, app: App) -> dict[str, str]:
    space = db.need(Space, app.space_guid)
    organization = db.need(Organization, space.organization_guid)
    return {
        "app_id": app.guid,
        "app_name": app.name,
        "space_id": space.guid,
        "space_name": space.name,
        "organization_id": organization.guid,
        "organization_name": organization.name,
    }


def _envelope(
    app_guid: str, tags: Mapping[str, str], processes: Mapping[str, str], line: tuple[int, str, str, str, str]
) -> dict[str, Any]:
    timestamp, source_type, instance_id, stream, text = line
    own = {"source_type": source_type, "instance_id": instance_id}
    words = source_type.split("/")
    if words[:2] == ["APP", "PROC"] and len(words) > 2:
        process_type = words[2].lower()
        own |= {"process_type": process_type, "process_id": processes.get(process_type, "")}
    # Nothing may be added here: clients parse this as strict protobuf JSON.
    return {
        "timestamp": str(timestamp),
        "source_id": app_guid,
        "instance_id": instance_id,
        "deprecated_tags": {},
        "tags": {**tags, **own},
        "log": {"payload": base64.b64encode(text.encode("utf-8", "replace")).decode(), "type": stream},
    }
