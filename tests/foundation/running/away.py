"""An engine in memory that can go away: what instances ask it, each container a log and a condition."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from foundation.engine.engine import Engine
from foundation.engine.facts import Condition, Container
from foundation.engine.wanted import Wanted
from foundation.failures import EngineGoneError, NotThereError

STAMP = "2026-01-01T00:00:00.000000001Z"


def words(**fields: object) -> str:
    """Return a line of a supervisor's."""
    return json.dumps({"time": 1, **fields}) + "\n"


@dataclass
class Held:
    """A container: its log so far, and whether it runs."""

    labels: Mapping[str, str]
    log: list[str] = field(default_factory=list)
    running: bool = False
    exit_code: int = 0
    out_of_memory: bool = False

    def end(self, *lines: str, exit_code: int = 1) -> None:
        """Let the container end with these last lines."""
        self.log += lines
        self.running, self.exit_code = False, exit_code


class AwayEngine:
    """The part of an Engine that instances use; `fails` names calls and how often each goes unanswered."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.away = threading.Event()
        self.cut = threading.Event()  # a log's connection breaks, which looks like its end
        self.fails: dict[str, int] = {}
        self.lost: dict[str, int] = {}  # the call is obeyed, its answer does not come through
        self.made = 0
        self.stopping: Callable[[Held], object] = lambda _: None

    def real(self) -> Engine:
        return cast("Engine", self)

    def only(self) -> Held:
        (held,) = self.held.values()
        return held

    def _ask(self, name: str) -> None:
        if self.away.is_set() or self.fails.get(name, 0) > 0:
            self.fails[name] = self.fails.get(name, 0) - 1
            raise EngineGoneError(f"away when asked to {name}")

    def _answer(self, name: str) -> None:
        if self.lost.get(name, 0) > 0:
            self.lost[name] -= 1
            raise EngineGoneError(f"lost the answer to {name}")

    def create(self, wanted: Wanted) -> str:
        self._ask("create")
        self.made += 1
        self.held[f"c{self.made}"] = Held(wanted.labels)
        self._answer("create")
        return f"c{self.made}"

    def put(self, *_: object) -> None:
        self._ask("put")

    def start(self, container: str) -> None:
        self._ask("start")
        self.held[container].running = True
        self._answer("start")

    def follow(self, container: str, _: float | None) -> Iterator[bytes]:
        """Return the log, and what is added to it, until the container has ended or the engine goes away."""
        self._ask("follow")
        if container not in self.held:
            raise NotThereError(f"no container {container}")
        held, given = self.held[container], 0
        while not self.away.is_set() and self.held.get(container) is held:
            if given < len(held.log):
                given += 1
                yield f"{STAMP} {held.log[given - 1]}".encode()
            elif not held.running or self.cut.is_set():
                self.cut.clear()
                return
            else:
                threading.Event().wait(0.01)
        self._ask("follow")

    def condition(self, container: str) -> Condition | None:
        self._ask("condition")
        held = self.held.get(container)
        if held is None:
            return None
        return Condition(
            running=held.running,
            exit_code=held.exit_code,
            out_of_memory=held.out_of_memory,
            address="",
            started="",
        )

    def stop(self, container: str, _: int) -> None:
        self._ask("stop")
        held = self.held.get(container)
        if held and held.running:
            self.stopping(held)
            held.running = False

    def remove(self, container: str) -> None:
        self._ask("remove")
        self.held.pop(container, None)

    def find(self, labels: Mapping[str, str]) -> list[Container]:
        self._ask("find")
        return [
            Container(id=name, labels=held.labels, state="running" if held.running else "exited")
            for name, held in self.held.items()
            if labels.items() <= held.labels.items()
        ]
