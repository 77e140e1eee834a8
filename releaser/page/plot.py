"""The plots of size over versions: where their lines, points and words lie, one plot for each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from releaser import report

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 22, 24  # between the edges and the points


@dataclass(frozen=True, kw_only=True)
class Point:
    """A version's size and its place."""

    x: float
    y: float
    version: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A stack's sizes, from the oldest version to the newest."""

    stack: str
    points: Sequence[Point]

    @property
    def path(self) -> str:
        """The line through the points, as SVG's polyline wants it."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A variant's plot: its lines over the same versions, and how large the largest zip was."""

    variant: str
    lines: Sequence[Line]
    versions: Sequence[str]
    largest: int

    @property
    def words(self) -> str:
        """What the plot shows, for those who do not see it."""
        ends = [
            f"{line.stack} from {report.size(line.points[0].size)} in {line.points[0].version}"
            f" to {report.size(line.points[-1].size)} in {line.points[-1].version}"
            for line in self.lines
        ]
        return f"Sizes of the {self.variant} zips: {'; '.join(ends)}."


def plots(rows: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Return a plot for each variant of which there are two versions; rows are index.json's, newest first."""
    old_to_new = [row for row in reversed(rows) if row["readable"]]
    variants = sorted({one["variant"] for row in old_to_new for one in row["zips"]})
    made = [_plot(variant, old_to_new) for variant in variants]
    return [plot for plot in made if len(plot.versions) > 1]


def _plot(variant: str, rows: Sequence[Mapping[str, Any]]) -> Plot:
    sizes: dict[str, dict[str, int]] = {}
    for row in rows:
        for one in row["zips"]:
            if one["variant"] == variant:
                sizes.setdefault(one["stack"], {})[row["version"]] = one["size"]
    versions = [row["version"] for row in rows if any(row["version"] in line for line in sizes.values())]
    largest = max(size for line in sizes.values() for size in line.values())
    lines = [
        Line(stack=stack, points=[_point(versions, one, size, largest) for one, size in line.items()])
        for stack, line in sorted(sizes.items())
    ]
    return Plot(variant=variant, lines=lines, versions=versions, largest=largest)


def _point(versions: Sequence[str], version: str, size: int, largest: int) -> Point:
    """Return a point; the scale of sizes begins at nought, so that a small change looks small."""
    steps = max(len(versions) - 1, 1)
    x = LEFT + versions.index(version) * (WIDTH - LEFT - RIGHT) / steps
    y = HEIGHT - BOTTOM - size / max(largest, 1) * (HEIGHT - TOP - BOTTOM)
    return Point(x=round(x, 1), y=round(y, 1), version=version, size=size)
