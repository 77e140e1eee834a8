"""The states that runs begin at, each with what an undisturbed release of it sees and leaves."""

from collections.abc import Mapping
from dataclasses import replace

from faults import checker, subject
from faults.attempt import Attempt
from faults.checker import Memory, Terms
from faults.look import look, state
from faults.watch import Event, Watch
from faults.world import WAITING, Baseline, World, secrets

FRESH, SECOND = "with nothing released", "after a first release"
MERGED, SQUASHED = "with a protected main that merges", "with a protected main that squashes"
# How often a plan begins there.
NAMES: Mapping[str, int] = {FRESH: 4, SECOND: 4, MERGED: 1, SQUASHED: 1}
MANNERS: Mapping[str, str] = {MERGED: "merge", SQUASHED: "squash"}


class Baselines:
    """A world's baselines, each made when it is first asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known: dict[str, Baseline] = {}
        self.begin = world.keep("begin")

    def get(self, name: str) -> Baseline:
        """Return a baseline."""
        if name not in self.known:
            self.world.restore(self.begin)
            if name == SECOND:
                self._go_on()
            elif name in MANNERS:
                self._protect()
            self.known[name] = _make(self.world, name)
        return self.known[name]

    def _go_on(self) -> None:
        """Release, and push a change."""
        _release(self.world, FRESH)
        subject.push(self.world.remote, self.world.folder / "scratch", subject.CHANGE, 1)
        subject.git(self.world.clone, "pull", "--quiet", str(self.world.remote), "main")

    def _protect(self) -> None:
        """Push the setting that main only moves by merge requests."""
        subject.protect(self.world.clone)
        subject.git(self.world.clone, "push", "--quiet", str(self.world.remote), "HEAD:main")


def _make(world: World, name: str) -> Baseline:
    manner = MANNERS.get(name, "")
    kept, begin = world.keep(name), state(look(world))
    events, seconds, code = _release(world, name)
    later: tuple[Event, ...] = ()
    if manner and code == WAITING:
        world.merge(manner)
        later, _, code = _release(world, name)
    if code:
        raise RuntimeError(f"an undisturbed release {name} ends with {code}")
    broken = checker.check(look(world), Memory(), Terms(secrets=secrets()))
    if broken:
        raise RuntimeError(f"an undisturbed release {name} breaks promises: {broken}")
    kept = replace(kept, manner=manner, events=events, later=later, seconds=seconds)
    return replace(kept, begin=begin, end=state(look(world)))


def _release(world: World, name: str) -> tuple[tuple[Event, ...], float, int]:
    """Release undisturbed, and return the requests, the time that it took, and the exit code."""
    watch = Watch()
    world.watch(watch)
    attempt = Attempt(world.clone, world.environment(), world.folder / f"{name}.log")
    attempt.start()
    outcome = attempt.end()
    if outcome.code not in (0, WAITING):
        raise RuntimeError(f"an undisturbed release {name} ends with {outcome.code}:\n{outcome.output}")
    return tuple(watch.events), outcome.seconds, outcome.code
