"""One life of an instance: its container from the making to the removal."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from foundation.archives import tars
from foundation.engine.engine import Engine
from foundation.engine.facts import Container
from foundation.engine.wanted import LIFECYCLE, Wanted
from foundation.failures import NotThereError
from foundation.model.logs import LogSink
from foundation.model.running import ProcessSpec
from foundation.output import tell
from foundation.running import health
from foundation.running.description import GRACE_S, describe
from foundation.running.journal import Journal
from foundation.running.restarts import Restarts
from foundation.running.watching import Watch

ROLE, APP = "train.role", "app"
PROCESS, VERSION, INDEX, INSTANCE = "train.process", "train.version", "train.index", "train.instance"
SUPERVISOR_CAPABILITIES = ("SETUID", "SETGID", "KILL")  # to become vcap, and to end vcap's processes
STOP_S = GRACE_S + 3  # the supervisor's own 10 s, its last second, and some air


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
        self._journal: Journal | None = None
        self._asked_for = False
        self.guid = str(uuid4())
        self.container = ""
        self.address = ""

    def begin(self, adopted: Container | None) -> Watch:
        """Make and start the container, or take over one that is there, and return its watch.

        Raises EngineError where that fails; it may be called again where the container has begun.
        """
        if adopted:
            self.container, self.guid = adopted.id, adopted.labels[INSTANCE]
        elif not self.begun:
            self._make()
        self._journal = self._journal or self._read()
        condition = self._engine.condition(self.container)
        self.address = condition.address if condition else ""
        return Watch(
            check=self._spec.health_check,
            probes=health.probes(self._spec.health_check, self.address, self._spec.ports),
            index=self._index,
            log=self._log,
            wake=self._wake,
            journal=self._journal,
        )

    @property
    def begun(self) -> bool:
        """Say whether the container was started."""
        return self._journal is not None

    def halt(self) -> str:
        """End the processes and return the reason that their supervisor has, which may be empty."""
        if self._journal is None:
            return ""
        self._engine.stop(self.container, STOP_S)
        self._journal.drain()
        return self._journal.ended or ""

    def _read(self) -> Journal:
        return Journal(
            engine=self._engine,
            container=self.container,
            mark=self._mark_path(),
            index=self._index,
            log=self._log,
            wake=self._wake,
            closing=self._around.closing,
        )

    def _make(self) -> None:
        self._say(f"Cell local creating container for instance {self.guid}")
        spec = self._spec
        image = self._around.images.get(spec.stack)
        if image is None:
            raise NotThereError(f"the foundation has no image for stack '{spec.stack}'")
        self._asked_for = True
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
        self._engine.put(self.container, "/run", tars.secret_file("instance.json", described))
        self._engine.start(self.container)
        self._say(f"Cell local successfully created container for instance {self.guid}")

    def end(self) -> None:
        """Stop what runs, read the log to its end, and remove the container; raises EngineError."""
        self.container = self.container or self._unanswered()
        if not self.container:
            return
        self._say(f"Cell local stopping instance {self.guid}")
        self._engine.stop(self.container, STOP_S)
        if self._journal:
            self._journal.drain()
        self._say(f"Cell local destroying container for instance {self.guid}")
        self._engine.remove(self.container)
        self._mark_path().unlink(missing_ok=True)

    def _unanswered(self) -> str:
        """Return the container that the engine made without its answer coming through, if it did."""
        found = self._engine.find({INSTANCE: self.guid}) if self._asked_for else []
        return found[0].id if found else ""

    def _mark_path(self) -> Path:
        return self._around.marks / self.container
