"""Watches an instance from its start to its end: when it is healthy first, and why it is not any more."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foundation.model.logs import LogSink, Stream
from foundation.model.running import HealthCheck
from foundation.output import tell
from foundation.running.durations import written
from foundation.running.health import Probe
from foundation.running.journal import Journal

QUICK_S = 0.25  # between the probes of an instance that starts

Said = Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """An instance that is watched; `wake` is set when the journal has its end, or when it is to be over."""

    check: HealthCheck
    probes: Sequence[Probe]  # all must succeed; none where nothing is asked
    index: int
    log: LogSink
    wake: threading.Event
    journal: Journal

    def crash(self, over: Said, healthy: Callable[[], None]) -> str | None:
        """Return why the instance is unhealthy, "" where its processes ended, or None once `over`.

        `healthy` is called when it first is.
        """

        def left() -> bool:
            return over() or self.journal.ended is not None

        failed = self._start_up(left)
        if not failed and not left():
            healthy()
            failed = self._live(left)
        return None if over() else failed

    def _start_up(self, left: Said) -> str:
        """Ask until each port has answered well once; return why that did not come in time, or ""."""
        if not self.probes:
            return ""
        self._say("Starting health monitoring of container")
        began, attempts, pending = time.monotonic(), 0, list(self.probes)
        while not left():
            attempts += 1
            asked = [(probe, probe()) for probe in pending]
            pending = [probe for probe, failed in asked if failed]
            if not pending:
                self._say("Container became healthy")
                break
            lived = time.monotonic() - began
            if lived >= self.check.timeout_s:
                return self._never_healthy(lived, attempts, [failed for _, failed in asked if failed])
            self._rest(min(QUICK_S, self.check.timeout_s - lived))
        return ""

    def _live(self, left: Said) -> str:
        """Ask at once and then at each interval; return the first failure, or "" where it is to be left."""
        while not left():
            for probe in self.probes:
                failed = probe()
                if failed and not left():
                    return self._unhealthy(f"Liveness check unsuccessful: {failed}")
            self._rest(self.check.interval_s if self.probes else None)
        return ""

    def _rest(self, seconds: float | None) -> None:
        self.wake.wait(seconds)
        self.wake.clear()

    def _never_healthy(self, lived: float, attempts: int, failures: Sequence[str]) -> str:
        waited = f"Timed out after {written(self.check.timeout_s)} ({attempts} attempts)"
        text = "; ".join(f"{waited} waiting for startup check to succeed: {each}" for each in failures)
        tell(self.log, "HEALTH", str(self.index), text, "ERR")
        self._say(f"Failed after {written(lived)}: startup health check never passed.", "ERR")
        return f"Instance never healthy after {written(lived)}: {text}"

    def _unhealthy(self, text: str) -> str:
        tell(self.log, "HEALTH", str(self.index), text, "ERR")
        self._say("Container became unhealthy", "ERR")
        return f"Instance became unhealthy: {text}"

    def _say(self, text: str, stream: Stream = "OUT") -> None:
        tell(self.log, "CELL", str(self.index), text, stream)
