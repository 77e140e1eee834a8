"""Keeps the processes of started apps running, one container for each instance: the model.Runner."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from foundation.containers import Container, Engine, Usage
from foundation.failures import EngineError
from foundation.instance import Instance
from foundation.life import APP, INDEX, PROCESS, ROLE, STOP_S, VERSION, Surroundings
from foundation.model import InstanceStatus, LogSink, ProcessSpec
from foundation.restarts import Restarts


@dataclass(kw_only=True)
class _Process:
    """What is desired of a process, and its instances by index."""

    spec: ProcessSpec
    log: LogSink
    instances: dict[int, Instance] = field(default_factory=dict)


class ContainerRunner:
    """A model.Runner on the Docker engine.

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
        self._engine = engine
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
        self._samples: dict[str, tuple[float, int]] = {}  # container -> when, CPU nanoseconds
        self._left: dict[str, Container] = {}
        for container in engine.find({ROLE: APP}):
            if container.state == "created":  # its maker was killed before it could start it
                engine.remove(container.id)
            else:
                self._left[container.id] = container

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
                    adopted = self._take(spec, index)
                    process.instances[index] = Instance(self._around, process.spec, index, log, adopted)
            self._end_left(lambda container: container.labels[PROCESS] == spec.process_guid)

    def stop(self, process_guid: str) -> None:
        """Stop all instances (TERM, KILL after 10 s) in the background and forget the process."""
        with self._lock:
            process = self._processes.pop(process_guid, None)
            self._end(process.instances.values() if process else [])
            self._end_left(lambda container: container.labels[PROCESS] == process_guid)

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
        return [self._measured(each) if usage else each.status for each in found]

    def settle(self) -> None:
        """End the containers of an earlier server that no `run` has taken over."""
        with self._lock:
            self._end_left(lambda _: True)

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

    def _take(self, spec: ProcessSpec, index: int) -> Container | None:
        wanted = (spec.process_guid, spec.version, str(index))
        for container in self._left.values():
            labels = container.labels
            if (labels[PROCESS], labels[VERSION], labels[INDEX]) == wanted:
                return self._left.pop(container.id)
        return None

    def _end_left(self, which: Callable[[Container], bool]) -> None:
        for container in [each for each in self._left.values() if which(each)]:
            del self._left[container.id]
            threading.Thread(target=self._remove, args=(container.id,), daemon=True).start()

    def _remove(self, container: str) -> None:
        try:
            self._engine.stop(container, STOP_S)
            self._engine.remove(container)
        except EngineError:
            return  # the engine is gone; a later server finds the container again
        (self._around.marks / container).unlink(missing_ok=True)

    def _measured(self, instance: Instance) -> InstanceStatus:
        container, status = instance.container, instance.status
        if status.state != "RUNNING":
            return status
        try:
            used = self._engine.usage(container)
        except EngineError:  # it ends just now
            return status
        return replace(status, usage=self._rates(container, status.since, used))

    def _rates(self, container: str, since: float, used: Usage) -> Mapping[str, float]:
        """Return the usage with the CPU's share since the last time that somebody asked."""
        now = time.time()
        before, cpu_before = self._samples.get(container, (since, 0))
        self._samples[container] = (now, used.cpu_ns)
        cpu = (used.cpu_ns - cpu_before) / max(now - before, 0.001) / 1e9
        return {"cpu": max(cpu, 0.0), "mem": float(used.memory), "disk": float(used.disk)}
