"""Watches an instance from its start to its end: when it is healthy first, and why it crashed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from foundation.environment import PORT
from foundation.model.logs import LogSink, Stream
from foundation.model.running import HealthCheck
from foundation.output import tell
from foundation.running import health
from foundation.running.journal import Journal

QUICK_S = 0.25  # between the probes of an instance that starts


@dataclass(frozen=True, kw_only=True)
class Watch:
    """An instance that is watched; `wake` is set when the journal has its end, or when it is to be over."""

    check: HealthCheck
    address: str
    index: int
    log: LogSink
    wake: threading.Event
    journal: Journal

    def crash(self, over: Callable[[], bool], healthy: Callable[[], None]) -> str | None:
        """Return why the instance crashed, or None once `over`; `healthy` is called when it first is."""
        check = self.check
        deadline = time.monotonic() + check.timeout_s
        pause, running = 0.0, False
        if check.type != "process":
            self._say("Starting health monitoring of container")
        while True:
            self.wake.wait(pause)
            self.wake.clear()
            if over():
                return None
            if self.journal.ended:
                return self.journal.ended
            failed = health.failure(check, self.address, PORT)
            if failed is None and not running:
                running = True
                if check.type != "process":
                    self._say("Container became healthy")
                healthy()
            elif failed and (running or time.monotonic() >= deadline):
                return self._unhealthy(failed, running)
            pause = check.interval_s if running else QUICK_S

    def _unhealthy(self, failed: str, running: bool) -> str:
        tell(self.log, "HEALTH", str(self.index), failed, "ERR")
        if running:
            self._say("Container became unhealthy", "ERR")
            return f"Instance became unhealthy: {failed}"
        timeout = f"{self.check.timeout_s:g}s"
        self._say(f"Failed after {timeout}: startup health check never passed.", "ERR")
        return f"Instance never healthy after {timeout}: {failed}"

    def _say(self, text: str, stream: Stream = "OUT") -> None:
        tell(self.log, "CELL", str(self.index), text, stream)
