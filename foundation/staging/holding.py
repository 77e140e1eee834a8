"""Holds a build's end back until whoever follows the log can have seen its last line.

The cf CLI shows only lines older than two seconds and stops reading when the build leaves STAGING. A real
foundation uploads the droplet meanwhile; here nobody waits unless somebody reads.
"""

import time
from collections.abc import Callable

from foundation.followers import Followers
from foundation.model.logs import LogLine, LogSink

HELD_S = 2.5  # after the last line: measured with the CLI, none is lost then
LOOK_S = 0.25


class Tail:
    """A log sink that hands lines on and remembers the time of the last."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self.last = 0.0  # seconds since the epoch

    def __call__(self, line: LogLine) -> None:
        """Log a line."""
        self.last = line.timestamp_ns / 1e9
        self._sink(line)


def hold(
    app_guid: str,
    last: float,
    followers: Followers,
    wait: Callable[[float], bool],
    now: Callable[[], float] = time.time,
) -> None:
    """Wait while the log is followed and its last line is young; `wait` says whether to stop waiting."""
    while followers.follows(app_guid):
        left = HELD_S - (now() - last)
        if left <= 0 or wait(min(left, LOOK_S)):
            return
