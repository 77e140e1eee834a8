"""Removes the containers of ended stagings in the background, again and again until they are gone."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from foundation.failures import EngineError
from foundation.retrying import pauses

LAST_S = 5.0  # for what is left at the end; the next start removes the rest


class Removal:
    """A thread that removes what it is given; an engine that is away is asked again later."""

    def __init__(self, remove: Callable[[str], None]) -> None:
        self._remove = remove
        self._given: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="removal", daemon=True)
        self._thread.start()

    def take(self, container: str) -> None:
        """Remove a container soon."""
        self._given.put(container)

    def close(self) -> None:
        """Try once more what is left, and end."""
        self._given.put(None)
        self._thread.join(LAST_S)

    def _run(self) -> None:
        left: list[str] = []
        waiting, pause = pauses(), None  # None: nothing is left, so wait for what comes
        closing = False
        while not closing:
            with suppress(queue.Empty):
                container = self._given.get(timeout=pause)
                closing = container is None
                left += [container] if container else []
            left = [container for container in left if not self._gone(container)]
            if left:
                pause = next(waiting)
            else:
                waiting, pause = pauses(), None

    def _gone(self, container: str) -> bool:
        try:
            self._remove(container)
        except EngineError:
            return False
        return True
