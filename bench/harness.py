"""Measures sides in turn, shows minimum, median and maximum, and keeps the results."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".local" / "bench"
RESULTS = ROOT / "bench" / "results"
SPENT = ROOT / "bench" / "spent.py"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one run of a program took; a megabyte is a million bytes."""

    seconds: float
    peak_mb: float


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One thing measured on two sides, a value for each round; less is better."""

    bench: str
    name: str
    unit: str
    ours: tuple[float, ...]
    rival: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The rival's median by ours: above 1, ours is better."""
        return statistics.median(self.rival) / statistics.median(self.ours)


def alternate(rounds: int, *sides: Callable[[], T]) -> list[tuple[T, ...]]:
    """Run every side once for warmth, then all of them in turn; return each side's values."""
    for side in sides:
        side()
    taken = [tuple(side() for side in sides) for _ in range(rounds)]
    return list(zip(*taken, strict=True))


def figure(bench: str, name: str, *, ours: Sequence[float], rival: Sequence[float], unit: str) -> Figure:
    """Return a figure of values that were taken in turn."""
    return Figure(bench=bench, name=name, unit=unit, ours=tuple(ours), rival=tuple(rival))


def run(
    argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Spent:
    """Run a program to its end in the given environment; raises RuntimeError with its words if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "spent.json")
        words = [sys.executable, "-I", "-S", str(SPENT), str(out), *map(str, argv)]
        done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, check=False)
        taken = json.loads(out.read_text(encoding="utf-8")) if done.returncode == 0 else {}
    if taken.get("code") != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise RuntimeError(f"`{' '.join(words[5:])}` ended with {taken.get('code', 'an error')}:\n{said}")
    return Spent(seconds=taken["seconds"], peak_mb=taken["peak_mb"])


def save(bench: str, figures: Sequence[Figure], machine: Mapping[str, str] | None = None) -> None:
    """Show the figures, keep them in bench/results, and print last the one plain line of each."""
    _table(figures)
    document = {"machine": {**_machine(), **(machine or {})}, "figures": [_row(one) for one in figures]}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{bench}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for one in figures:
        mine, theirs = statistics.median(one.ours), statistics.median(one.rival)
        print(f"bench {one.bench} {one.name} ours={mine:.3f} rival={theirs:.3f} ratio={one.ratio:.2f}")


def _table(figures: Sequence[Figure]) -> None:
    width = max(len(one.name) for one in figures)
    print(f"{'':{width}}        {'min':>10} {'median':>10} {'max':>10}")
    for one in figures:
        for side, values in (("ours", one.ours), ("rival", one.rival)):
            low, middle, high = min(values), statistics.median(values), max(values)
            name = one.name if side == "ours" else ""
            print(f"{name:{width}}  {side:5} {low:10.3f} {middle:10.3f} {high:10.3f} {one.unit}")
    print()


def _row(one: Figure) -> Mapping[str, object]:
    sides = {
        side: {
            "min": round(min(values), 4),
            "median": round(statistics.median(values), 4),
            "max": round(max(values), 4),
        }
        for side, values in (("ours", one.ours), ("rival", one.rival))
    }
    facts = {"figure": one.name, "unit": one.unit, "rounds": len(one.ours)}
    return {**facts, **sides, "ratio": round(one.ratio, 3)}


def _machine() -> Mapping[str, object]:
    return {
        "cpu": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _field(path: Path, name: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
