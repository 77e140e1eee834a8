"""SIGINT and SIGTERM: the first of them ends the tests, and none cuts off the tidying up that follows."""

import signal
import threading
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

ASKED = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Interrupts:
    """What to do with a signal; `tidying` once nothing but tidying up is left to do."""

    tidying: bool = False
    before: dict[int, Any] = field(default_factory=dict)

    def install(self) -> None:
        """Take over, where signals can be handled at all."""
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._handle) for number in ASKED}

    def restore(self) -> None:
        """Give the signals back to whoever handled them before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.tidying:
            return
        self.tidying = True
        raise KeyboardInterrupt
