"""Hands on what an instance's container prints, in a thread of its own, and notes what ended the instance."""

import logging
import threading
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.failures import EngineGoneError, NotThereError
from foundation.model.logs import LogLine, LogSink
from foundation.output import tell
from foundation.retrying import pauses
from foundation.running import following

DRAIN_S = 5
KILLED = 137

logger = logging.getLogger(__name__)


class Journal:
    """The log of one container; `wake` is set when all its processes have ended, `ended` says then why.

    That is empty where they were asked to end.
    """

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
        """Hand on the log until the container has ended, whatever fails meanwhile: each line once."""
        waiting = pauses()
        while not self._closing.is_set():
            try:
                if self._read():
                    return
                waiting = pauses()
            except EngineGoneError:  # it restarts; the container may live on
                pass
            except Exception:  # a full disk, a locked store: without this thread nobody sees the end
                logger.exception("The log of container %s is read on from its mark", self._container[:12])
            self._closing.wait(next(waiting))

    def _read(self) -> bool:
        """Hand on what is behind the mark as it comes; say whether the container has ended."""
        with closing(following.Mark(self._mark_path)) as mark, suppress(NotThereError):
            for record in following.records(self._engine, self._container, mark):
                if self._closing.is_set():
                    return True  # the next server reads it
                self._handle(record)
        condition = self._engine.condition(self._container)
        if condition and condition.running:
            return False
        how = f"Exited with status {condition.exit_code if condition else KILLED}"
        self._note_end(f"{how} (out of memory)" if condition and condition.out_of_memory else how)
        return True

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
        elif fields.get("event") == "ended":
            self._note_end(fields.get("reason", ""))

    def _note_end(self, why: str) -> None:
        """Keep the supervisor's own words, which come before the container's end."""
        if self.ended is None:
            self.ended = why
            self._wake.set()
