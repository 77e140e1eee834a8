"""What happens in the world while a release runs, and the strikes that wait for one of these moments."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["before", "after"]
READS = ("GET", "HEAD", "LIST")
WRITES = ("PUT", "COPY", "DELETE")
GIT = ("fetch", "push")


@dataclass(frozen=True, kw_only=True)
class Event:
    """A request to the bucket or to the remote: `what` is among READS, WRITES and GIT, `on` a key or ''.

    `nth` counts the same request within one attempt, from 1.
    """

    what: str
    on: str
    nth: int

    def __str__(self) -> str:
        named = f"{self.what} of {self.on}" if self.on else self.what
        return named if self.nth == 1 else f"{named} (number {self.nth})"


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """How a server answers one request otherwise than it should; proxy.py and gate.py know the names."""

    name: str
    amount: float = 0.0


Act = Callable[[Event], Treatment | None]


@dataclass(kw_only=True)
class Strike:
    """Something to do at a moment: at one event, and at the next events of its kind while `span` lasts."""

    at: Event
    side: Side
    act: Act
    span: int = 1
    struck: int = 0

    def wants(self, event: Event, side: Side) -> bool:
        """Say whether this is the moment, or one that the strike goes on over."""
        if side != self.side or self.struck >= self.span:
            return False
        if self.struck:
            return (event.what in GIT) == (self.at.what in GIT)
        return event == self.at


@dataclass
class Watch:
    """One attempt's events in their order, with the strikes that wait; servers call it from many threads."""

    strikes: list[Strike] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _count: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arriving(self, what: str, on: str) -> tuple[Event, Treatment | None]:
        """Count a request that has just come and return it, with how it shall be treated."""
        with self._lock:
            self._count[what, on] += 1
            event = Event(what=what, on=on, nth=self._count[what, on])
            self.events.append(event)
            due = self._due(event, "before")
        return event, self._strike(due, event)

    def done(self, event: Event) -> Treatment | None:
        """Strike after the world has changed and before anybody is told."""
        with self._lock:
            due = self._due(event, "after")
        return self._strike(due, event)

    def _due(self, event: Event, side: Side) -> list[Strike]:
        due = [strike for strike in self.strikes if strike.wants(event, side)]
        for strike in due:
            strike.struck += 1
        return due

    def _strike(self, due: list[Strike], event: Event) -> Treatment | None:
        treatments = [strike.act(event) for strike in due]
        return next((one for one in treatments if one is not None), None)
