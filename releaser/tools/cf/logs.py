"""Reads an app's recent log lines from log-cache."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from releaser.errors import FoundationError
from releaser.tools.cf.session import Session, request

LIMIT = 1000  # log-cache's own


@dataclass(frozen=True, kw_only=True, order=True)
class LogLine:
    """A line: `source` is STG, CELL, APP/PROC/WEB, APP/PROC/WEB/SIDECAR/NAME…; `stream` is OUT or ERR."""

    timestamp_ns: int
    source: str
    instance: str
    stream: str
    text: str

    def __str__(self) -> str:
        return f"[{self.source}/{self.instance}] {self.stream} {self.text}"


def recent_logs(session: Session, app_guid: str) -> list[LogLine]:
    """Return the newest lines of an app, staging included, at most 1000, oldest first."""
    if session.log_cache is None:
        raise FoundationError(f"{session.api} names no log-cache, so logs cannot be read")
    url = f"{session.log_cache.rstrip('/')}/api/v1/read/{app_guid}"
    query = {"descending": "true", "envelope_types": "LOG", "limit": str(LIMIT)}
    answer = request(session, "get", url, what="read the app's logs", params=query).json()
    batch: Sequence[Mapping[str, Any]] = (answer.get("envelopes") or {}).get("batch") or []
    lines = [_line(envelope) for envelope in batch if "log" in envelope]
    return sorted(lines, key=lambda line: line.timestamp_ns)


def _line(envelope: Mapping[str, Any]) -> LogLine:
    tags, log = envelope.get("tags") or {}, envelope["log"]
    return LogLine(
        timestamp_ns=int(envelope["timestamp"]),
        source=tags.get("source_type", ""),
        instance=tags.get("instance_id") or envelope.get("instance_id", ""),
        stream=log.get("type", "OUT"),
        text=base64.b64decode(log.get("payload", "")).decode("utf-8", "replace"),
    )
