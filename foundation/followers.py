"""Who follows an app's log right now, by how it was read.

The cf CLI follows by reading the newest line until there is one and then, every 250 ms, what came after the
last; `cf logs --recent` is one read of the newest thousand and follows nothing.
"""

import threading
import time
from collections.abc import Callable

from foundation.envelopes import Window

GONE_AFTER_S = 1.0


class Followers:
    """Remembers when each app's log was last read as a follower reads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[str, float] = {}

    def note(self, app_guid: str, window: Window) -> None:
        """Take notice of a read."""
        if window.limit == 1 if window.newest_first else window.start > 0:
            with self._lock:
                self._read = {guid: at for guid, at in self._read.items() if self._fresh(at)}
                self._read[app_guid] = self._clock()

    def follows(self, app_guid: str) -> bool:
        """Say whether somebody waits for the next lines of an app."""
        with self._lock:
            return app_guid in self._read and self._fresh(self._read[app_guid])

    def _fresh(self, at: float) -> bool:
        return self._clock() - at < GONE_AFTER_S
