"""Trying again: how often, how long apart, and from when on a person is told."""

import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]


def silent(_line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Bounds for trying again; each wait is twice the one before, all in seconds."""

    attempts: int = 6
    first: float = 0.25
    longest: float = 8.0
    whole: float = 150.0  # no attempt begins later: an attempt alone may take a minute to time out
    quiet: float = 3.0  # shorter waits are not worth a line

    def keep(
        self,
        action: Callable[[], T],
        passing: Callable[[Exception], str | None],
        errors: tuple[type[Exception], ...],
        say: Say = silent,
    ) -> T:
        """Return what the action returns; an error that `passing` gives a reason for is tried again."""
        began = time.monotonic()
        for number in itertools.count(1):
            try:
                return action()
            except errors as error:
                reason, waited = passing(error), time.monotonic() - began
                if reason is None or number >= self.attempts or waited > self.whole:
                    raise
            pause = self._pause(number)
            if waited + pause > self.quiet:
                say(f"{reason}; trying again ({number + 1} of {self.attempts}) …")
            time.sleep(pause)
        raise AssertionError  # count() has no end

    def until(self, look: Callable[[], T | None]) -> T | None:
        """Return the first thing that is seen, or None: some stores show a write a while after it."""
        for number in range(1, self.attempts):
            found = look()
            if found is not None:
                return found
            time.sleep(self._pause(number))
        return look()

    def _pause(self, number: int) -> float:
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  # two trains shall not try again in step
        return min(self.longest, self.first * 2.0 ** (number - 1)) * jitter
