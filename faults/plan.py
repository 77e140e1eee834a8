"""Makes a plan out of a seed: which baseline, which faults, when they strike."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faults.baselines import NAMES
from faults.fault import Fault, Kind
from faults.kinds import KINDS
from faults.watch import GIT, READS, WRITES, Event
from faults.world import Baseline


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run that can be played again."""

    seed: int
    baseline: str
    faults: tuple[Fault, ...]
    only: str = ""

    @property
    def command(self) -> str:
        """Return the command that plays it again."""
        only = f" --only {self.only}" if self.only else ""
        return f"./inv faults --seed {self.seed}{only}"

    def __str__(self) -> str:
        words = [KINDS[fault.kind].describe(fault) for fault in self.faults]
        return "\n".join([f"begins {self.baseline}", *words])


def make(seed: int, baselines: Callable[[str], Baseline], only: str = "") -> Plan:
    """Return the plan of a seed: with the kinds of `only`, else with one to three of all.

    `only` parts kinds by commas, attempts by slashes; kinds that are not possible here are left out. Without
    it, the seeds of any row as long as KINDS strike with each kind in turn.
    """
    chosen = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
    baseline = chosen.choices(list(NAMES), list(NAMES.values()))[0]
    attempts = parse(only) if only else _attempts(chosen, seed)
    if KINDS[attempts[0][0]].where == "after":
        attempts[0].append("kill-at")  # what is done between two attempts needs a second one
    found = baselines(baseline)
    faults = [
        _fault(chosen, kind, number, found.events + found.later * bool(number))
        for number, kinds in enumerate(attempts)
        for kind in kinds
    ]
    # Left out only now: what a machine cannot do changes nothing of the other faults.
    faults = [fault for fault in faults if KINDS[fault.kind].possible()]
    return Plan(seed=seed, baseline=baseline, faults=tuple(faults), only=only)


def parse(only: str) -> list[list[str]]:
    """Return each attempt's kinds; raises ValueError for one that there is not, or where none is possible."""
    attempts = [kinds.split(",") for kinds in only.split("/")]
    unknown = sorted({kind for kinds in attempts for kind in kinds} - set(KINDS))
    if unknown:
        raise ValueError(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if not any(KINDS[name].possible() for kinds in attempts for name in kinds):
        raise ValueError(f"{only} is not possible on this machine: docs/faults.md says what it needs")
    return attempts


def _attempts(chosen: random.Random, seed: int) -> list[list[str]]:
    names = [name for name, kind in KINDS.items() if kind.possible()]
    first, second = [names[seed % len(names)]], list[str]()
    for _ in range(chosen.choices([0, 1, 2], [5, 3, 2])[0]):
        chosen.choice([first, second]).append(chosen.choice(names))
    return [first, second] if second else [first]


def _fault(chosen: random.Random, name: str, attempt: int, events: Sequence[Event]) -> Fault:
    kind = KINDS[name]
    return Fault(
        kind=name,
        attempt=attempt,
        at=_moment(chosen, kind, events),
        side=chosen.choice(kind.sides),
        fraction=chosen.random(),
        amount=chosen.choice(kind.amounts),
        span=chosen.choice(kind.spans),
    )


def _moment(chosen: random.Random, kind: Kind, events: Sequence[Event]) -> Event | None:
    """Choose among an undisturbed release's requests; one in two is a change of the world."""
    asked = {
        "any": (*READS, *WRITES, *GIT),
        "s3": (*READS, *WRITES),
        "read": READS,
        "write": WRITES,
        "git": GIT,
        "push": ("push",),
    }.get(kind.where)
    if asked is None:
        return None
    possible = [event for event in events if event.what in asked]
    changes = [event for event in possible if event.what in {*WRITES, "push"}]
    return chosen.choice(changes if changes and chosen.random() < 0.5 else possible)
