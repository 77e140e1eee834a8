"""Adds, replaces and ends instances, so that each process has those that are desired."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.model.logs import LogSink
from foundation.model.running import InstanceStatus, ProcessSpec
from foundation.running.adoption import Leftovers
from foundation.running.instance import Instance
from foundation.running.life import Surroundings
from foundation.running.restarts import Restarts
from foundation.running.usage import Meter


@dataclass(kw_only=True)
class _Process:
    """What is desired of a process, and its instances by index."""

    spec: ProcessSpec
    log: LogSink
    instances: dict[int, Instance] = field(default_factory=dict)


class ContainerRunner:
    """A model.running.Runner on the Docker engine.

    `images` maps stacks to images, `programs` holds supervisor and launcher, `state` is a folder of its own.
    `on_change` is called from any thread whenever an instance's state changes.
    Making one finds the containers that an earlier server left running: `run` takes them over by process,
    version and index, `settle` ends the rest. Raises EngineError where no engine answers.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        images: Mapping[str, str],
        programs: Path,
        state: Path,
        on_change: Callable[[], None],
        restarts: Restarts | None = None,
    ) -> None:
        self._closing = threading.Event()
        self._around = Surroundings(
            engine=engine,
            images=images,
            programs=programs.resolve(),
            marks=state.resolve() / "marks",
            restarts=restarts or Restarts(),
            changed=on_change,
            closing=self._closing,
        )
        self._lock = threading.RLock()
        self._processes: dict[str, _Process] = {}
        self._ending: list[Instance] = []
        self._meter = Meter(engine)
        self._leftovers = Leftovers(engine, self._around.marks)

    def run(self, spec: ProcessSpec, log: LogSink) -> None:
        """Make this the desired state: starts, replaces or scales instances; returns at once."""
        with self._lock:
            process = self._processes.get(spec.process_guid)
            if process and process.spec.version == spec.version:
                process.spec, process.log = replace(process.spec, instances=spec.instances), log
            else:
                self._end(process.instances.values() if process else [])
                process = self._processes[spec.process_guid] = _Process(spec=spec, log=log)
            surplus = [index for index in process.instances if index >= spec.instances]
            self._end([process.instances.pop(index) for index in surplus])
            for index in range(spec.instances):
                if index not in process.instances:
                    adopted = self._leftovers.take(spec, index)
                    process.instances[index] = Instance(self._around, process.spec, index, log, adopted)
            self._leftovers.end(spec.process_guid)

    def stop(self, process_guid: str) -> None:
        """Stop all instances (TERM, KILL after 10 s) in the background and forget the process."""
        with self._lock:
            process = self._processes.pop(process_guid, None)
            self._end(process.instances.values() if process else [])
            self._leftovers.end(process_guid)

    def restart_instance(self, process_guid: str, index: int) -> None:
        """Replace one instance; one that is not desired is left alone."""
        with self._lock:
            process = self._processes.get(process_guid)
            if process and index in process.instances:
                self._end([process.instances[index]])
                process.instances[index] = Instance(self._around, process.spec, index, process.log, None)

    def instances(self, process_guid: str, *, usage: bool = False) -> Sequence[InstanceStatus]:
        """Return every desired instance by index; empty for an unknown process. `usage` asks the engine."""
        with self._lock:
            process = self._processes.get(process_guid)
            found = [process.instances[index] for index in sorted(process.instances)] if process else []
        return [self._meter.measured(each) if usage else each.status for each in found]

    def settle(self) -> None:
        """End the containers of an earlier server that no `run` has taken over."""
        with self._lock:
            self._leftovers.end()

    def close(self, seconds: float = 15) -> None:
        """Let go, for a server that ends: apps keep running, those being stopped are awaited."""
        deadline = time.monotonic() + seconds
        for instance in self._ending:
            instance.join(max(0, deadline - time.monotonic()))
        self._closing.set()
        with self._lock:
            running = [each for process in self._processes.values() for each in process.instances.values()]
        for instance in running:
            instance.wake()
        for instance in running:
            instance.join(max(0.1, deadline - time.monotonic()))

    def _end(self, instances: Iterable[Instance]) -> None:
        self._ending = [each for each in self._ending if not each.join(0)]
        for instance in instances:
            instance.stop()
            self._ending.append(instance)
