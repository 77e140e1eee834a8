"""Waits for an engine that does not answer: it may be restarting, and what it ran may live on."""

from collections.abc import Callable
from typing import TypeVar

from foundation.failures import EngineGoneError
from foundation.retrying import pauses

Answer = TypeVar("Answer")


def patiently(ask: Callable[[], Answer], over: Callable[[float], bool]) -> Answer | None:
    """Ask the engine until it answers; None where it did not before `over`, which waits and says whether."""
    for pause in pauses():
        try:
            return ask()
        except EngineGoneError:
            if over(pause):
                break
    return None
