"""One run: plays a plan against a world, lets the checker look after every attempt, and gives the verdict."""

import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faults import checker, subject
from faults.attempt import Outcome
from faults.baselines import SQUASHED
from faults.checker import Broken, Memory, Terms
from faults.fault import Fault
from faults.kinds import KINDS
from faults.look import Seen, look, state
from faults.plan import Plan
from faults.stage import Stage
from faults.watch import Event, Strike, Treatment
from faults.world import WAITING, Baseline, World, secrets

UNDISTURBED = 5  # attempts that may follow the last struck one
PAGES = ("index.json", "index.html")
End = Literal["whole", "refused", "broken"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a run ended, and which of its faults struck."""

    plan: Plan
    end: End
    struck: Mapping[str, int]
    broken: tuple[Broken, ...] = ()
    codes: tuple[int, ...] = ()
    log: Path | None = None


@dataclass
class Run:
    """A plan that is being played."""

    world: World
    baseline: Baseline
    plan: Plan
    folder: Path
    codes: list[int] = field(default_factory=list)
    documented: frozenset[int] = frozenset()
    memory: Memory = field(default_factory=Memory)
    struck: Counter[str] = field(default_factory=Counter)
    moved: list[tuple[str, str]] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)

    def play(self) -> Verdict:
        """Play it to its end."""
        self.world.restore(self.baseline)
        self.documented = documented_codes(self.world.checkout)
        self._say(str(self.plan))
        try:
            return self._attempts()
        finally:
            for stage in self.stages:
                for attempt in stage.attempts:
                    attempt.bury()

    def _attempts(self) -> Verdict:
        last = max(fault.attempt for fault in self.plan.faults)
        self._look()
        for number in range(last + 1 + UNDISTURBED):
            outcome, broken = self._attempt(number)
            if broken:
                return self._verdict("broken", broken)
            if outcome.code == WAITING and self.baseline.manner:
                self.world.merge(self.baseline.manner)
            changed = any(path == subject.CHANGE for path, _ in self.stages[-1].moved)
            if outcome.code == 0 and number >= last and not changed:  # else it may be older than the change
                return self._ended_whole()
            if number > last + 1 and outcome.code == self.codes[-2] and self._may_refuse():
                break
        return self._ended_refused()

    def _attempt(self, number: int) -> tuple[Outcome, list[Broken]]:
        stage = Stage(world=self.world, folder=self.folder, number=number)
        self.stages.append(stage)
        faults = [fault for fault in self.plan.faults if fault.attempt == number]
        for fault in faults:
            self._arm(stage, fault)
        outcome = stage.play()
        for fault in faults:
            if KINDS[fault.kind].where == "after":
                self._act(stage, fault)
        self.moved += stage.moved
        self.struck += stage.struck
        self.codes.append(outcome.code)
        self._say(f"attempt {number + 1} ended with {outcome.code} after {outcome.seconds:.1f} s")
        for event in stage.watch.events:
            self._say(f"  {event}")
        told = [broken for one in (outcome, *stage.others) for broken in self._told(one)]
        return outcome, [*told, *self._look()]

    def _arm(self, stage: Stage, fault: Fault) -> None:
        kind = KINDS[fault.kind]
        if kind.prepare:
            kind.prepare(stage, fault)
        if kind.where == "start":
            stage.struck[fault.kind] += 1
        elif kind.where == "instant":
            timer = threading.Timer(fault.fraction * self.baseline.seconds, self._act, (stage, fault))
            timer.daemon = True
            stage.threads.append(timer)
            timer.start()
        elif fault.at is not None:

            def act(_event: Event) -> Treatment | None:
                return self._act(stage, fault)

            stage.watch.strikes.append(Strike(at=fault.at, side=fault.side, act=act, span=fault.span))

    def _act(self, stage: Stage, fault: Fault) -> Treatment | None:
        kind = KINDS[fault.kind]
        alive = stage.release.process is not None and stage.release.process.poll() is None
        if not alive and kind.where != "after":
            return None  # another fault of this attempt has ended the release at the same moment
        stage.struck[fault.kind] = 1
        return kind.act(stage, fault)

    def _told(self, outcome: Outcome) -> list[Broken]:
        words = []
        if "Traceback (most recent call last)" in outcome.output:
            words.append(f"exit code {outcome.code} with a traceback: {outcome.output.splitlines()[-1]}")
        if outcome.hung:
            words.append("it does not end")
        elif not outcome.killed and outcome.code not in self.documented:
            words.append(f"exit code {outcome.code}, which docs/releasing.md does not know")
        elif not outcome.killed and outcome.code and not re.search("^Error: .", outcome.output, re.MULTILINE):
            words.append(f"exit code {outcome.code} without a line that says why")
        secret = [Broken(invariant="no secret", words="output") for one in secrets() if one in outcome.output]
        return [*(Broken(invariant="told", words=one) for one in words), *secret]

    def _look(self) -> list[Broken]:
        corrupted = frozenset(self.world.proxy.corrupted)
        return checker.check(self.seen(), self.memory, Terms(secrets=secrets(), corrupted=corrupted))

    def seen(self) -> Seen:
        """Return what is there now."""
        return look(self.world)

    def _ended_whole(self) -> Verdict:
        self.world.proxy.settle()
        broken = self._look()
        expected = _shown(self.baseline.end, self._expects())
        found = _shown(state(self.seen()), self._expects())
        words = [
            f"{name} is {found.get(name, 'not there')[:12]}, not {expected.get(name, 'there')[:12]}"
            for name in sorted(set(expected) | set(found))
            if expected.get(name) != found.get(name)
        ]
        changes = [commit for path, commit in self.moved if path == subject.CHANGE]
        if changes or (self.moved and self.baseline.name == SQUASHED):
            # Another release than the undisturbed one; a main that moved is merged where else it is squashed.
            source = changes[-1] if changes else self.baseline.begin["refs/heads/main"]
            words = list(checker.whole(self.seen(), source))
        broken += [Broken(invariant="resumed", words=one) for one in words]
        return self._verdict("broken" if broken else "whole", broken)

    def _expects(self) -> bool:
        """Say whether main is where it is after an undisturbed release."""
        return not self.moved

    def _ended_refused(self) -> Verdict:
        """Accept that it never worked only where a fault does not go away, and where nothing was touched."""
        if not self._may_refuse():
            words = f"it does not end whole in {len(self.codes)} attempts: {self.codes}"
            return self._verdict("broken", [Broken(invariant="resumed", words=words)])
        broken = [] if self._is_public_corrupted() else self._touched()
        return self._verdict("broken" if broken else "refused", broken)

    def _may_refuse(self) -> bool:
        """Say whether something struck that does not go away."""
        return any(KINDS[kind].end == "refusal" for kind in self.struck)

    def _is_public_corrupted(self) -> bool:
        return any(_counts(key) for key in self.world.proxy.corrupted)

    def _touched(self) -> list[Broken]:
        """Return what of main, tags and public names a refused release has changed."""
        before = {name: digest for name, digest in self.baseline.begin.items() if _counts(name)}
        after = {name: digest for name, digest in state(self.seen()).items() if _counts(name)}
        if self.moved or self.baseline.manner:
            before.pop("refs/heads/main"), after.pop("refs/heads/main")
        names = sorted(name for name in set(before) | set(after) if before.get(name) != after.get(name))
        return [Broken(invariant="resumed", words=f"refused, and {name} changed") for name in names]

    def _verdict(self, end: End, broken: Sequence[Broken]) -> Verdict:
        for one in broken:
            self._say(f"BROKEN: {one.invariant}: {one.words}")
        return Verdict(
            plan=self.plan,
            end=end,
            struck=dict(self.struck),
            broken=tuple(broken),
            codes=tuple(self.codes),
            log=self.folder,
        )

    def _say(self, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "run.log").open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def _shown(end: Mapping[str, str], main: bool) -> Mapping[str, str]:
    return {name: what for name, what in end.items() if main or name != "refs/heads/main"}


def _counts(name: str) -> bool:
    """Say whether a ref or key is public: main, a tag, or what promote puts into a version's folder."""
    if name.startswith("refs/"):
        return name == "refs/heads/main" or name.startswith("refs/tags/")
    earlier = name.endswith("/source.json") or "-linux-" in name
    return bool(re.search(r"/\d+\.\d+\.\d+/[^/]+$", name)) and not earlier


def documented_codes(checkout: Path) -> frozenset[int]:
    """Return the exit codes that docs/releasing.md lists."""
    page = (checkout / "docs/releasing.md").read_text(encoding="utf-8")
    section = page.partition("## Exit codes")[2]
    return frozenset(int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE))
