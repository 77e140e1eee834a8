"""Hands on what an instance's container prints, in a thread of its own, and notes what ended the instance."""

import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.failures import EngineError
from foundation.model.logs import LogLine, LogSink
from foundation.output import tell
from foundation.running import following

DRAIN_S = 5
RECONNECT_S = 1.0
KILLED = 137
MEMORY_NEWS_S = 1.0


class Journal:
    """The log of one container; `wake` is set when its processes end, `ended` says then what, and how."""

    def __init__(
        self,
        *,
        engine: Engine,
        container: str,
        mark: Path,
        index: int,
        log: LogSink,
        wake: threading.Event,
        closing: threading.Event,
    ) -> None:
        self._engine, self._container, self._mark_path = engine, container, mark
        self._index, self._log, self._wake, self._closing = index, log, wake, closing
        self._say = partial(tell, log, "CELL", str(index))
        self.ended: str | None = None
        self._thread = threading.Thread(target=self._follow, name=f"log of {container[:12]}", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Wait for the last lines of a container that has ended."""
        self._thread.join(DRAIN_S)

    def _follow(self) -> None:
        """Hand on the log until the container has ended; the engine's connection may break meanwhile."""
        mark = following.Mark(self._mark_path)
        try:
            while not self._closing.is_set():
                for record in following.records(self._engine, self._container, mark):
                    if self._closing.is_set():
                        return  # the next server reads it
                    self._handle(record)
                condition = self._engine.condition(self._container)
                if condition is None or not condition.running:
                    code = condition.exit_code if condition else KILLED
                    self._note_end(f"Exited with status {code}")
                    return
                self._closing.wait(RECONNECT_S)
        except EngineError as error:
            self._note_end(error.message)
        finally:
            mark.close()

    def _handle(self, record: following.Record) -> None:
        fields = record.fields
        if fields is None:
            self._say(record.text, "ERR")
        elif "stream" in fields:
            line = LogLine(
                timestamp_ns=fields["time"],
                source_type=fields["source"],
                instance_id=str(self._index),
                stream=fields["stream"],
                text=fields.get("text", ""),
            )
            self._log(line)
        elif fields.get("event") == "exited":
            self._note_end(f"{fields['source']}: Exited with status {fields['status']}")

    def _note_end(self, how: str) -> None:
        """Keep how the first process ended: the others are only made to follow it."""
        if self.ended is None:
            killed = how.endswith(f"status {KILLED}")
            self.ended = f"{how} (out of memory)" if killed and self._out_of_memory() else how
            self._wake.set()

    def _out_of_memory(self) -> bool:
        """Ask whether the kernel killed for memory: the engine hears of it a moment after the exit."""
        deadline = time.monotonic() + MEMORY_NEWS_S
        with suppress(EngineError):
            while (condition := self._engine.condition(self._container)) and time.monotonic() < deadline:
                if condition.out_of_memory:
                    return True
                time.sleep(0.05)
        return False
