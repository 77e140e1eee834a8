"""Log lines as log-cache shows them: the envelopes of an app within a window of time."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.rows.apps import App, Process
from foundation.rows.tenants import Organization, Space
from foundation.store import Db

READ = """
SELECT timestamp, source_type, instance_id, stream, text FROM lines
WHERE app_guid = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp
"""
READ_NEWEST = READ.rstrip() + " DESC"
META = "SELECT app_guid, count(*), min(timestamp), max(timestamp) FROM lines GROUP BY app_guid"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which lines to read: from `start` (inclusive) to `end` (exclusive), nanoseconds."""

    start: int
    end: int
    limit: int
    newest_first: bool


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
