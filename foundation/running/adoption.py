"""What an earlier server left running: each container is taken over for what is desired, or ended."""

import threading
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.engine.facts import Container
from foundation.failures import EngineError
from foundation.model.running import ProcessSpec
from foundation.running.life import APP, INDEX, PROCESS, ROLE, STOP_S, VERSION


class Leftovers:
    """The containers that are there when this is made and that nobody has taken yet; not for several threads.

    Raises EngineError where no engine answers.
    """

    def __init__(self, engine: Engine, marks: Path) -> None:
        self._engine = engine
        self._marks = marks
        self._left: dict[str, Container] = {}
        for container in engine.find({ROLE: APP}):
            if container.state == "created":  # its maker was killed before it could start it
                engine.remove(container.id)
            else:
                self._left[container.id] = container
        self._forget_others()

    def take(self, spec: ProcessSpec, index: int) -> Container | None:
        """Return the container of this very version and index, if there is one; it is no longer left."""
        wanted = (spec.process_guid, spec.version, str(index))
        for container in self._left.values():
            labels = container.labels
            if (labels[PROCESS], labels[VERSION], labels[INDEX]) == wanted:
                return self._left.pop(container.id)
        return None

    def end(self, process_guid: str | None = None) -> None:
        """End in the background what is left of a process, or all that is left."""
        for container in list(self._left.values()):
            if process_guid in {None, container.labels[PROCESS]}:
                del self._left[container.id]
                threading.Thread(target=self._remove, args=(container.id,), daemon=True).start()

    def _remove(self, container: str) -> None:
        try:
            self._engine.stop(container, STOP_S)
            self._engine.remove(container)
        except EngineError:
            return  # a later server finds the container again
        (self._marks / container).unlink(missing_ok=True)

    def _forget_others(self) -> None:
        """Remove the marks of containers that vanished while no server ran."""
        for mark in self._marks.glob("*"):
            if mark.name not in self._left:
                mark.unlink(missing_ok=True)
