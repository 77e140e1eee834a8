"""A session: workers with a world each, many runs, and the table of what was struck and how it ended."""

import shutil
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from faults import plan
from faults.baselines import Baselines
from faults.checker import Broken
from faults.kinds import KINDS
from faults.run import End, Run, Verdict
from faults.world import World

ENDS: tuple[End, ...] = ("whole", "refused", "broken")
Wanted = tuple[int, str]  # a seed, and what plan.make may strike with


@dataclass
class Session:
    """Runs of one code; everything lies in `folder`, of which the logs of broken runs stay."""

    folder: Path
    checkout: Path
    keep: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    _mine: threading.local = field(default_factory=threading.local)
    _worlds: list[World] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, wanted: Iterable[Wanted], jobs: int) -> Sequence[Verdict]:
        """Play every seed, and say how each ended as soon as it has."""
        _take_interrupts()
        pool = ThreadPoolExecutor(jobs)
        try:
            for verdict in pool.map(lambda one: self._play(*one), wanted):
                self.verdicts.append(verdict)
        finally:
            pool.shutdown(cancel_futures=True)
            for world in self._worlds:
                world.stop()
            if self.folder.exists() and not any(self.folder.glob("seed-*")):
                shutil.rmtree(self.folder)
        return self.verdicts

    def _play(self, seed: int, only: str) -> Verdict:
        baselines = self._baselines()
        made = plan.make(seed, baselines.get, only)
        folder = self.folder / f"seed-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            verdict = Run(baselines.world, baselines.get(made.baseline), made, folder).play()
        except Exception:  # noqa: BLE001  # the harness's own fault ends one run, not all of them
            broken = Broken(invariant="harness", words=traceback.format_exc())
            verdict = Verdict(plan=made, end="broken", struck={}, broken=(broken,), log=folder)
        if verdict.end != "broken" and not self.keep:
            shutil.rmtree(folder)
        say(_line(verdict))
        return verdict

    def _baselines(self) -> Baselines:
        """Return this worker's world, made when it is first asked for, with its baselines."""
        if not hasattr(self._mine, "baselines"):
            with self._lock:
                number = len(self._worlds)
                world = World(self.folder / f"world-{number}", number, self.checkout)
                self._worlds.append(world)
                world.start()
            self._mine.baselines = Baselines(world)
        return cast(Baselines, self._mine.baselines)


def _take_interrupts() -> None:
    """Undo what a shell does to background jobs: releases would inherit that SIGINT is ignored."""
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    ):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _line(verdict: Verdict) -> str:
    kinds = [fault.kind for fault in verdict.plan.faults]
    struck = ", ".join(kind if kind in verdict.struck else f"({kind})" for kind in kinds)
    codes = " ".join(map(str, verdict.codes))
    line = f"seed {verdict.plan.seed}: {verdict.end} [{codes}] {struck}"
    if verdict.end != "broken":
        return line
    rows = [line, *(f"  {one}" for one in str(verdict.plan).splitlines())]
    rows += [f"  BROKEN: {one.invariant}: {one.words}" for one in verdict.broken]
    return "\n".join([*rows, f"  log: {verdict.log}", f"  again: {verdict.plan.command}"])


def table(verdicts: Sequence[Verdict]) -> str:
    """Return a row for each kind of fault: how often it was planned and struck, and how those runs ended."""
    planned, struck = Counter[str](), Counter[str]()
    ends: dict[End, Counter[str]] = {end: Counter() for end in ENDS}
    for verdict in verdicts:
        for kind in {fault.kind for fault in verdict.plan.faults}:
            planned[kind] += 1
            if kind in verdict.struck:
                struck[kind] += 1
                ends[verdict.end][kind] += 1
    head = f"{'fault':<16}{'planned':>8}{'struck':>8}" + "".join(f"{end:>9}" for end in ENDS)
    rows = [
        f"{kind:<16}{planned[kind]:>8}{struck[kind]:>8}" + "".join(f"{ends[end][kind]:>9}" for end in ENDS)
        for kind in KINDS
        if planned[kind]
    ]
    counts = Counter(verdict.end for verdict in verdicts)
    last = f"{len(verdicts)} runs: " + ", ".join(f"{counts[end]} {end}" for end in ENDS)
    return "\n".join([head, *rows, "", last])


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
