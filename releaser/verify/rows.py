"""What a verification found: rows that pass, warn or fail, collected so that every failure is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from releaser import report
from releaser.errors import TrainError, VerifyError
from releaser.tools import zips

# What reading something that others wrote may raise: a fault of theirs, never of ours.
UNREADABLE = (TrainError, TypeError, AttributeError, yaml.YAMLError, *zips.UNREADABLE)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was looked at; a warning is no failure, but has to be read."""

    check: str
    ok: bool
    detail: str
    warning: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the row for scripts."""
        return {"check": self.check, "ok": self.ok, "detail": self.shown}

    @property
    def shown(self) -> str:
        """The detail as people read it."""
        return f"warning: {self.detail}" if self.warning else self.detail


def passed(check: str, detail: str) -> Row:
    """Return a row for what is as it must be."""
    return Row(check=check, ok=True, detail=detail)


def warned(check: str, detail: str) -> Row:
    """Return a row for what has to be known, though nothing is wrong."""
    return Row(check=check, ok=True, detail=detail, warning=True)


def failed(check: str, detail: str) -> Row:
    """Return a row for what is not as it must be."""
    return Row(check=check, ok=False, detail=detail)


def same(check: str, what: str, expected: object, found: object) -> Row:
    """Return a row that compares one value with another."""
    if expected == found:
        return passed(check, f"{what} is {_words(found)}")
    return failed(check, f"{what} is {_words(found)}, expected {_words(expected)}")


def _words(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(f"{name} {_words(one)}" for name, one in sorted(value.items()))


def collect(check: str, looks: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """Yield the rows of one check; what cannot be read is a failed row, and the rest goes on."""
    try:
        yield from looks()
    except UNREADABLE as error:
        said = error.message if isinstance(error, TrainError) else f"{type(error).__name__}: {error}"
        yield failed(check, said)


def show(title: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the rows: as JSON all of them; for people what is wrong in full, the rest in short."""
    if as_json:
        report.document([row.as_json() for row in rows])
        return
    report.title(title)
    shown = [line for name in dict.fromkeys(row.check for row in rows) for line in _lines(name, rows)]
    width = max((len(line.check) for line in shown), default=0)
    for line in shown:
        first, *more = line.shown.splitlines() or [""]
        report.fact(f"{'ok    ' if line.ok else 'FAILED'} {line.check:<{width}}  {first}")
        for rest in more:
            report.fact(f"       {'':<{width}}  {rest}")


def _lines(check: str, rows: Sequence[Row]) -> Iterator[Row]:
    own = [row for row in rows if row.check == check]
    fine = [row for row in own if row.ok and not row.warning]
    if len(fine) > 1:
        yield passed(check, f"{len(fine)} of {len(own)} are as they must be")
    yield from (row for row in own if row not in fine or len(fine) == 1)


def require(what: str, rows: Sequence[Row], remedy: str) -> None:
    """Raise VerifyError that names every check with a failed row, where there is one."""
    wrong = [row for row in rows if not row.ok]
    if wrong:
        names = ", ".join(dict.fromkeys(row.check for row in wrong))
        count = f"{len(wrong)} of {len(rows)} checks failed"
        raise VerifyError(f"{what} is not what it must be: {count} ({names})", remedy)
