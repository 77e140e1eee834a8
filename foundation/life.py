"""One life of an instance: its container from the making to the removal, its log, its health, its end."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from foundation import archive, following, health
from foundation.containers import LIFECYCLE, Container, Engine, Wanted
from foundation.description import GRACE_S, PORT, describe
from foundation.failures import EngineError, NotThereError
from foundation.model import LogLine, LogSink, ProcessSpec
from foundation.output import tell
from foundation.restarts import Restarts

ROLE, APP = "train.role", "app"
PROCESS, VERSION, INDEX, INSTANCE = "train.process", "train.version", "train.index", "train.instance"
SUPERVISOR_CAPABILITIES = ("SETUID", "SETGID", "KILL")  # to become vcap, and to end vcap's processes
STOP_S = GRACE_S + 3  # the supervisor's own 10 s, its last second, and some air
DRAIN_S = 5
QUICK_S = 0.25  # between the probes of an instance that starts
RECONNECT_S = 1.0
KILLED = 137
MEMORY_NEWS_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all instances of a foundation share."""

    engine: Engine
    images: Mapping[str, str]
    programs: Path
    marks: Path  # how far each container's log has been read
    restarts: Restarts
    changed: Callable[[], None]  # called from the instance's thread
    closing: threading.Event  # the server ends: containers stay


class Life:
    """A container that runs one instance; `wake` is set when its processes end, or to end it."""

    def __init__(
        self, around: Surroundings, spec: ProcessSpec, index: int, log: LogSink, wake: threading.Event
    ) -> None:
        self._around, self._spec, self._index, self._log, self._wake = around, spec, index, log, wake
        self._engine = around.engine
        self._say = partial(tell, log, "CELL", str(index))
        self._ended: str | None = None  # what ended, and how
        self._follower: threading.Thread | None = None
        self.guid = str(uuid4())
        self.container = ""
        self.address = ""

    def begin(self, adopted: Container | None) -> None:
        """Make and start the container, or take over one that is there; raises EngineError."""
        if adopted:
            self.container, self.guid = adopted.id, adopted.labels[INSTANCE]
        else:
            self._make()
        self._follower = threading.Thread(target=self._follow, name=f"log of {self.guid}", daemon=True)
        self._follower.start()
        condition = self._engine.condition(self.container)
        self.address = condition.address if condition else ""

    def _make(self) -> None:
        self._say(f"Cell local creating container for instance {self.guid}")
        spec = self._spec
        image = self._around.images.get(spec.stack)
        if image is None:
            raise NotThereError(f"the foundation has no image for stack '{spec.stack}'")
        self.container = self._engine.create(
            Wanted(
                name=f"app-{self.guid}",
                image=image,
                argv=[f"{LIFECYCLE}/supervisor", "/run/instance.json"],
                user="root",
                labels={
                    ROLE: APP,
                    PROCESS: spec.process_guid,
                    VERSION: spec.version,
                    INDEX: str(self._index),
                    INSTANCE: self.guid,
                    "train.app": spec.app_guid,
                },
                mounts={self._around.programs: LIFECYCLE},
                capabilities=SUPERVISOR_CAPABILITIES,
                memory_mb=spec.memory_mb,
            )
        )
        with spec.droplet.open("rb") as droplet:
            self._engine.put(self.container, "/home/vcap", droplet)
        described = describe(spec, self._index, self.guid)
        self._engine.put(self.container, "/run", archive.secret_file("instance.json", described))
        self._engine.start(self.container)
        self._say(f"Cell local successfully created container for instance {self.guid}")

    def watch(self, over: Callable[[], bool], healthy: Callable[[], None]) -> str | None:
        """Return why the instance crashed, or None once `over`; `healthy` is called when it first is."""
        check = self._spec.health_check
        deadline = time.monotonic() + check.timeout_s
        pause, running = 0.0, False
        if check.type != "process":
            self._say("Starting health monitoring of container")
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            if over():
                return None
            if self._ended:
                return self._ended
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
        tell(self._log, "HEALTH", str(self._index), failed, "ERR")
        if running:
            self._say("Container became unhealthy", "ERR")
            return f"Instance became unhealthy: {failed}"
        timeout = f"{self._spec.health_check.timeout_s:g}s"
        self._say(f"Failed after {timeout}: startup health check never passed.", "ERR")
        return f"Instance never healthy after {timeout}: {failed}"

    def end(self) -> None:
        """Stop what runs, read the log to its end, and remove the container; raises EngineError."""
        if not self.container:
            return
        self._say(f"Cell local stopping instance {self.guid}")
        self._engine.stop(self.container, STOP_S)
        if self._follower:
            self._follower.join(DRAIN_S)
        self._say(f"Cell local destroying container for instance {self.guid}")
        self._engine.remove(self.container)
        self._mark_path().unlink(missing_ok=True)

    def _mark_path(self) -> Path:
        return self._around.marks / self.container

    def _follow(self) -> None:
        """Hand on the log until the container has ended; the engine's connection may break meanwhile."""
        mark = following.Mark(self._mark_path())
        try:
            while not self._around.closing.is_set():
                for record in following.records(self._engine, self.container, mark):
                    if self._around.closing.is_set():
                        return  # the next server reads it
                    self._handle(record)
                condition = self._engine.condition(self.container)
                if condition is None or not condition.running:
                    code = condition.exit_code if condition else KILLED
                    self._note_end(f"Exited with status {code}")
                    return
                self._around.closing.wait(RECONNECT_S)
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
        if self._ended is None:
            killed = how.endswith(f"status {KILLED}")
            self._ended = f"{how} (out of memory)" if killed and self._out_of_memory() else how
            self._wake.set()

    def _out_of_memory(self) -> bool:
        """Ask whether the kernel killed for memory: the engine hears of it a moment after the exit."""
        deadline = time.monotonic() + MEMORY_NEWS_S
        with suppress(EngineError):
            while (condition := self._engine.condition(self.container)) and time.monotonic() < deadline:
                if condition.out_of_memory:
                    return True
                time.sleep(0.05)
        return False
