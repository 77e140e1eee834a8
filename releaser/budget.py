"""The size budget of each zip: one that is over it is refused, with the files in it that grew."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from releaser import record, report, version
from releaser.errors import PackageError
from releaser.model import Candidate, Release
from releaser.tools import zips
from releaser.tools.zips import Entry

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SHOWN = 10  # entries: the first ones are what there is to look at
# What changes in a name with each version: the URL's digest in the folder, the file's own at the end.
CHANGING = re.compile(r"(?<=^dependencies/)[0-9a-f]{32}/|-[0-9a-f]{12}$")


@dataclass(frozen=True, kw_only=True)
class Before:
    """The newest release before this one, and the sizes in its zip of the same stack and variant, by name."""

    version: str
    sizes: Mapping[str, int]


def require(release: Release, one: Candidate) -> None:
    """Refuse a zip that is over its variant's budget; raises PackageError."""
    budget = getattr(release.config.budget, one.variant)
    if budget is None or one.size <= allowed(budget):
        return
    entries = zips.entries(release.zips / one.name)
    before = _before(release, one)
    lines = (_grown(entries, before) if before else []) or _largest(entries)
    raise PackageError(
        f"{one.name} is {_said(one.size)}, over its budget of {budget} ({_said(allowed(budget))}); "
        + "\n  ".join(lines),
        f"It was not put into the bucket. Make it smaller, or raise budget.{one.variant} in sidecar.yml.",
    )


def allowed(budget: str) -> int:
    """Return the bytes of a budget such as 200K."""
    return int(budget[:-1]) * UNITS[budget[-1]]


def _before(release: Release, one: Candidate) -> Before | None:
    """Return the newest older release, or None where none says what is in its zips."""
    older = [known for known in version.released(release.world) if _is_older(known.version, release)]
    if not older:
        return None
    raw = release.world.store.read(f"{release.world.prefix()}/{older[-1].version}/release.json")
    rows = [
        entry
        for made in record.said(raw or b"").get("zips", ())
        if (made["stack"], made["variant"]) == (one.stack, one.variant)
        for entry in made.get("entries", ())
    ]
    sizes = {_lasting(entry["path"]): int(entry["size"]) for entry in rows}
    return Before(version=older[-1].version, sizes=sizes) if sizes else None


def _is_older(known: str, release: Release) -> bool:
    return version.key(known) < version.key(release.version)


def _lasting(path: str) -> str:
    """Return the name that a file in a zip has in every version."""
    return CHANGING.sub("", path)


def _grown(entries: Sequence[Entry], before: Before) -> list[str]:
    """Return a line for each file that grew or is new, the one that grew most first."""
    growth = {
        entry: entry.size - before.sizes.get(_lasting(entry.path), 0)
        for entry in entries
        if entry.size > before.sizes.get(_lasting(entry.path), 0)
    }
    rows = sorted(growth.items(), key=lambda row: (-row[1], row[0].path))
    lines = [
        f"{_lasting(entry.path)}: +{_said(more)} to {_said(entry.size)}"
        + ("" if _lasting(entry.path) in before.sizes else ", new")
        for entry, more in rows
    ]
    return lines and _first(f"these grew since {before.version} (as they are when unpacked):", lines)


def _largest(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each file, the largest first."""
    rows = sorted(entries, key=lambda entry: (-entry.size, entry.path))
    lines = [f"{_lasting(entry.path)}: {_said(entry.size)}" for entry in rows]
    return _first("these are the largest (as they are when unpacked):", lines)


def _first(title: str, lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [title, *lines[:SHOWN], *more]


def _said(size: int) -> str:
    return f"{report.size(size)} ({size:,} bytes)" if size >= UNITS["K"] else f"{size} bytes"
