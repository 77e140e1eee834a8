"""Waits for an engine that does not answer: it may be restarting, and what it ran may live on."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from foundation.failures import EngineGoneError

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0

Answer = TypeVar("Answer")


def pauses() -> Iterator[float]:
    """Return how long to wait between two attempts: a moment at first, then twice as long each time."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_S)


def patiently(ask: Callable[[], Answer], over: Callable[[float], bool]) -> Answer | None:
    """Ask the engine until it answers; None where it did not before `over`, which waits and says whether."""
    for pause in pauses():
        try:
            return ask()
        except EngineGoneError:
            if over(pause):
                break
    return None
