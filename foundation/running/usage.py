"""What instances use, as their stats show it."""

import time
from collections.abc import Mapping
from dataclasses import replace

from foundation.engine.engine import Engine
from foundation.engine.facts import Usage
from foundation.failures import EngineError
from foundation.model.running import InstanceStatus
from foundation.running.instance import Instance


class Meter:
    """Asks the engine, and remembers what it said: a share of the CPU lies between two answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._samples: dict[str, tuple[float, int]] = {}  # container -> when, CPU nanoseconds

    def measured(self, instance: Instance) -> InstanceStatus:
        """Return how an instance is, with what it uses where it runs."""
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
