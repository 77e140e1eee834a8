"""One instance of a process: keeps it alive, in a thread of its own, until it is told to stop."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import replace

from foundation.engine.facts import Container
from foundation.engine.patience import patiently
from foundation.failures import EngineError, EngineGoneError
from foundation.model.logs import LogSink
from foundation.model.running import InstanceState, InstanceStatus, ProcessSpec
from foundation.output import tell
from foundation.running.life import Life, Surroundings
from foundation.running.watching import Watch

STOPPED = "The container was stopped from outside the foundation"


class Instance:
    """An index of a process; its container changes with each restart, `status` says how it is."""

    def __init__(
        self, around: Surroundings, spec: ProcessSpec, index: int, log: LogSink, adopted: Container | None
    ) -> None:
        self._around, self._spec, self._index, self._log = around, spec, index, log
        self._adopted = adopted
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._life = self._next_life()
        self._lives_to_end: list[Life] = []
        self.status = InstanceStatus(
            index=index, guid=self._life.guid, state="STARTING", since=time.time(), ports=spec.ports
        )
        self._thread = threading.Thread(target=self._run, name=f"{spec.process_guid}/{index}", daemon=True)
        self._thread.start()

    @property
    def container(self) -> str:
        """The id of the present container, or empty."""
        return self._life.container

    def stop(self) -> None:
        """Stop in the background: SIGTERM, SIGKILL after the grace time, then the container is removed."""
        self._stopping.set()
        self._wake.set()

    def wake(self) -> None:
        """Let the thread see that the server is closing."""
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end; say whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _over(self) -> bool:
        return self._stopping.is_set() or self._around.closing.is_set()

    def _over_after(self, seconds: float) -> bool:
        return self._around.closing.wait(seconds) or self._over()

    def _become(self, state: InstanceState, details: str | None = None) -> None:
        life = self._life
        self.status = replace(
            self.status,
            guid=life.guid,
            state=state,
            since=time.time(),
            address=life.address or None,
            details=details,
        )
        self._around.changed()

    def _next_life(self) -> Life:
        return Life(self._around, self._spec, self._index, self._log, self._wake)

    def _run(self) -> None:
        crashes = 0
        while not self._over():
            began = time.monotonic()
            reason = self._live()
            if reason is None:
                break
            crashes = self._around.restarts.count(crashes, time.monotonic() - began)
            self._report(reason, crashes)
            pause = self._around.restarts.pause_s(crashes)
            if pause != 0:
                self._sleep(pause)
        with suppress(EngineError):
            patiently(self._clear, self._around.closing.wait)

    def _sleep(self, seconds: float | None) -> None:
        """Wait, for ever where None, until the instance is to end."""
        self._wake.clear()
        if not self._over():
            self._wake.wait(seconds)

    def _live(self) -> str | None:
        """Live one life; return why it crashed, or None where it was to end."""
        self._become("STARTING")
        try:
            watch = patiently(self._begin, self._over_after)
            reason = watch.crash(self._over, lambda: self._become("RUNNING")) if watch else None
        except EngineError as error:
            reason = error.message
        except OSError as error:  # the droplet cannot be read
            reason = str(error)
        if self._around.closing.is_set():
            return None  # the container stays, for the next server to adopt
        if reason is not None:
            reason = self._halted(reason)
            self._become("CRASHED", reason)
        self._renew()
        self._try_to_clear()
        return None if self._stopping.is_set() else reason

    def _begin(self) -> Watch:
        """Begin this life, or a new one where the engine was lost amid the making of its container."""
        self._try_to_clear()
        try:
            return self._life.begin(self._adopted)
        except EngineGoneError:
            if not self._adopted and not self._life.begun:
                self._renew()
            raise

    def _halted(self, reason: str) -> str:
        """Have all processes end before the crash is known, as Diego does; return the whole reason."""
        ended = ""
        with suppress(EngineError):
            ended = self._life.halt()
        return "; ".join(part for part in (reason, ended) if part) or STOPPED

    def _renew(self) -> None:
        self._lives_to_end.append(self._life)
        self._life, self._adopted = self._next_life(), None

    def _clear(self) -> None:
        """End the past lives; raises EngineError with those that are left."""
        while self._lives_to_end and not self._around.closing.is_set():
            self._lives_to_end[0].end()
            del self._lives_to_end[0]

    def _try_to_clear(self) -> None:
        """End the past lives; one that the engine could not end is left for the next time."""
        with suppress(EngineError):
            self._clear()

    def _report(self, reason: str, crashes: int) -> None:
        """Log a crash as Cloud Foundry's API does."""
        payload = {
            "instance": self.status.guid,
            "index": self._index,
            "cell_id": "local",
            "reason": "CRASHED",
            "exit_description": reason,
            "crash_count": crashes,
            "crash_timestamp": time.time_ns(),
            "version": self._spec.version,
        }
        shown = ", ".join(f"{json.dumps(name)}=>{json.dumps(value)}" for name, value in payload.items())
        text = f"App instance exited with guid {self._spec.app_guid} payload: {{{shown}}}"
        tell(self._log, "API", str(self._index), text)
