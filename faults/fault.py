"""A fault of a plan, and what a kind of fault is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from faults.stage import Stage
from faults.watch import Event, Side, Treatment

# Where it strikes: at such a request, at an instant, before the start, or when the attempt has ended.
Where = Literal["any", "s3", "read", "write", "git", "push", "instant", "start", "after"]
# What may come of it: the undisturbed end, the same beside a note on main, a newer release, or a refusal.
End = Literal["same", "note", "newer", "refusal"]
ALL = 10_000  # a span that does not end before the attempt


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of a plan: what, in which attempt, at which event or fraction of the time, how much."""

    kind: str
    attempt: int
    at: Event | None
    side: Side
    fraction: float
    amount: float
    span: int


Act = Callable[[Stage, Fault], Treatment | None]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of fault; `prepare` is done before the attempt starts, `act` when it strikes."""

    words: str
    where: Where
    act: Act
    prepare: Act | None = None
    sides: tuple[Side, ...] = ("before",)
    amounts: tuple[float, ...] = (0,)
    spans: tuple[int, ...] = (1,)
    end: End = "same"
    possible: Callable[[], bool] = lambda: True

    def describe(self, fault: Fault) -> str:
        """Return a fault of this kind in words."""
        words = self.words.format(amount=f"{fault.amount:g}")
        if fault.at is not None:
            words += f" {fault.side} the {fault.at}"
        if self.where == "instant":
            words += f" after {fault.fraction:.0%} of the time"
        if fault.span > 1:
            words += " and all after it" if fault.span == ALL else f" and the next {fault.span - 1}"
        return f"attempt {fault.attempt + 1}: {fault.kind}: {words}"
