"""Candidates that were left behind: finds them in git and bucket, and removes those that nobody needs.

Kept are: what is younger than the limit, the newest source's and the newest release's, and whatever a tag
without its record still needs. Removing begins with what says that a candidate is there, so that a run that
is killed leaves nothing that looks whole.
"""

import datetime
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import chain

from releaser import claim, report, source, version
from releaser.errors import SourceError
from releaser.model import Facts, World
from releaser.tools.history import Ref
from releaser.tools.s3 import Listed

CANDIDATE = re.compile(r"candidates/\d+-(?P<source>[0-9a-f]{12})/(?P<file>.+)")
VERSION = re.compile(r"(?P<version>\d+\.\d+\.\d+)/(?P<file>.+)")
BRANCHES = ("candidate", "release-train")
FIRST, CLAIM = "ready.json", "source.json"


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A source's candidate: how far it came, its branches (name to commit) and keys, and why it stays, if so.

    `source` is twelve digits, `version` is empty where nothing says it, `modified` is the last part's date.
    """

    source: str
    version: str
    state: str
    branches: dict[str, str]
    keys: tuple[str, ...]
    modified: datetime.datetime
    kept: str | None = None

    @property
    def days(self) -> int:
        """Its age."""
        return (datetime.datetime.now(datetime.UTC) - self.modified).days


@dataclass
class _Parts:
    """What is found of one source's candidate."""

    branches: dict[str, Ref] = field(default_factory=dict)
    objects: list[Listed] = field(default_factory=list)
    version: str = ""
    released: bool = False


def find(world: World, days: int, chosen: str = "") -> list[Leftover]:
    """Return every candidate, oldest first; git is taken as last fetched.

    Those younger than `days` are kept. `chosen` is a source whose age and newness do not count.
    """
    objects = world.store.list(f"{world.prefix()}/")
    releases = version.released(world)
    found = [_leftover(world, short, parts) for short, parts in _parts(world, objects, releases).items()]
    needed, newest = _needed(world, {one.key for one in objects}, releases), _newest(world)
    marked = []
    for one in found:
        reason = needed.get(one.source)
        if reason is None and one.source != chosen[:12]:
            reason = "the newest source" if one.source == newest else _young(one, days)
        marked.append(replace(one, kept=reason))
    return sorted(marked, key=lambda one: (one.modified, one.source))


def _parts(world: World, objects: list[Listed], releases: list[Facts]) -> dict[str, _Parts]:
    """Return what there is of each source; objects of a version that no tag has are its claimant's."""
    found: dict[str, _Parts] = defaultdict(_Parts)
    for name, ref in chain.from_iterable(world.repository.branches(one).items() for one in BRANCHES):
        parts = found[ref.trailers.get("Source", name.rpartition("/")[2])[:12]]
        parts.branches[name] = ref
        parts.version = ref.trailers.get("Release", "").rpartition(" ")[2]
    tagged = {one.version: one.source[:12] for one in releases}
    owners: dict[str, str] = {}
    for one in objects:
        name = one.key.removeprefix(f"{world.prefix()}/")
        if match := CANDIDATE.fullmatch(name):
            found[match["source"]].objects.append(one)
        elif (match := VERSION.fullmatch(name)) and match["version"] not in tagged:
            number = match["version"]
            if number not in owners:
                claimant = claim.claimant(world, number)
                owners[number] = claimant[:12] if claimant else f"none of {number}"
            found[owners[number]].objects.append(one)
            found[owners[number]].version = number
    for number, short in tagged.items():
        if short in found:
            found[short].version, found[short].released = number, True
    return found


def _leftover(world: World, short: str, parts: _Parts) -> Leftover:
    commits = {name: ref.commit for name, ref in parts.branches.items()}
    dates = [one.modified for one in parts.objects] or [
        datetime.datetime.fromtimestamp(world.repository.epoch(commit), datetime.UTC)
        for commit in commits.values()
    ]
    files = {one.key.rpartition("/")[2] for one in parts.objects}
    keys = sorted((one.key for one in parts.objects), key=lambda key: (_turn(key), key))
    return Leftover(
        source=short,
        version=parts.version,
        state="released" if parts.released else _state(files, bool(commits)),
        branches=commits,
        keys=tuple(keys),
        modified=max(dates),
    )


def _turn(key: str) -> int:
    """Return when a key is removed: first what says that all is there, last the claim."""
    name = key.rpartition("/")[2]
    return 0 if name == FIRST else 2 if name == CLAIM else 1


def _state(files: set[str], committed: bool) -> str:
    if any(name.startswith("accept-") for name in files):
        return "accepted"
    return "packaged" if FIRST in files else "committed" if committed else "begun"


def _needed(world: World, keys: set[str], releases: list[Facts]) -> dict[str, str]:
    """Return the sources whose candidates must stay, and why."""
    needed = {
        one.source[:12]: f"v{one.version} lacks its record"
        for one in releases
        if f"{world.prefix()}/{one.version}/release.json" not in keys
    }
    newest = {one.source[:12]: f"{one.version} is the newest release" for one in releases[-1:]}
    return newest | needed


def _newest(world: World) -> str | None:
    """Return the source that a release would take now."""
    try:
        return source.find(world, world.repository.branch(source.INCOMING))[:12]
    except SourceError:
        return None


def _young(one: Leftover, days: int) -> str | None:
    return f"younger than {days} days" if one.days < days else None


def prune(world: World, days: int, chosen: str = "", *, dry: bool = False) -> list[Leftover]:
    """Remove the candidates that nobody needs, say so, and return all that were found.

    Raises SourceError where the chosen source has none or must stay.
    """
    world.repository.fetch()
    found = find(world, days, chosen)
    _require_chosen(found, chosen)
    for one in found:
        if one.kept is None:
            report.fact(f"{'would remove' if dry else 'removing'} {describe(one)}")
            if not dry:
                _remove(world, one)
    return found


def _require_chosen(found: list[Leftover], chosen: str) -> None:
    one = next((one for one in found if one.source == chosen[:12]), None)
    if chosen and one is None:
        known = ", ".join(other.source for other in found) or "there is none"
        raise SourceError(f"there is no candidate of the source '{chosen}'", f"Candidates: {known}.")
    if chosen and one and one.kept:
        raise SourceError(
            f"the candidate {one.source} stays: {one.kept}", "Finish that release: ./inv release"
        )


def _remove(world: World, one: Leftover) -> None:
    """Remove the branches, on the condition that they are what was seen, then the objects."""
    if one.branches:
        refs = {f"refs/heads/{name}": commit for name, commit in one.branches.items()}
        world.repository.push(*(f":{ref}" for ref in refs), expect=refs)
    world.store.delete(list(one.keys))


def describe(one: Leftover) -> str:
    """Return a candidate in a line."""
    named = f"{one.source} {one.version or '(no version)'}"
    return f"{named}: {one.state}, {one.days} days old, {len(one.branches)} branches, {len(one.keys)} objects"


def document(one: Leftover) -> dict[str, object]:
    """Return a candidate as scripts read it."""
    return {
        "source": one.source,
        "version": one.version,
        "state": one.state,
        "days": one.days,
        "branches": sorted(one.branches),
        "objects": len(one.keys),
        "stays": one.kept,
    }


def show(world: World, days: int, chosen: str, *, dry: bool, as_json: bool = False) -> None:
    """Prune, and say what stays and why; below 0 `days` is what sidecar.yml says."""
    with report.aside(as_json):
        report.title(f"Candidates, {world.environment}")
        found = prune(world, world.config.prune.after_days if days < 0 else days, chosen, dry=dry)
    if as_json:
        report.document([document(one) for one in found])
        return
    for one in found:
        if one.kept:
            report.fact(f"stays: {describe(one)}: {one.kept}")
    if not found:
        report.fact("there is none")
