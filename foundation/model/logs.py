"""A line of an app's log, and where lines go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stream = Literal["OUT", "ERR"]


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of output, without its newline; becomes one log-cache envelope."""

    timestamp_ns: int
    source_type: str  # STG, CELL, HEALTH, APP/PROC/WEB, APP/PROC/WEB/SIDECAR/CONFIG-SERVER
    instance_id: str
    stream: Stream
    text: str


LogSink = Callable[[LogLine], None]
