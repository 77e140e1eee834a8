"""Gives a source commit its version, once: from a candidate or tag that names it, or from its history."""

import re
from collections.abc import Iterable, Iterator

from releaser import claim
from releaser.errors import SourceError, TakenError
from releaser.model import Facts, World
from releaser.tools import cliff
from releaser.tools.history import Ref

SEMVER = re.compile(r"\d+\.\d+\.\d+")
TAG = re.compile(r"v(\d+\.\d+\.\d+)")


def key(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by."""
    return tuple(int(part) for part in version.split("."))


def released(world: World) -> list[Facts]:
    """Return the releases of this buildpack that are tagged, oldest version first."""
    tags = {name: ref for name, ref in world.repository.tags().items() if TAG.fullmatch(name)}
    return [one for one in _named(world, tags.values()) if f"v{one.version}" in tags]


def candidates(world: World) -> list[Facts]:
    """Return the releases of this buildpack that are on a candidate branch, oldest version first."""
    return _named(world, world.repository.branches("candidate").values())


def _named(world: World, refs: Iterable[Ref]) -> list[Facts]:
    own = set()
    for ref in refs:
        name, _, version = ref.trailers.get("Release", "").partition(" ")
        source = ref.trailers.get("Source", "")
        if name == world.config.name and SEMVER.fullmatch(version) and world.repository.resolve(source):
            own.add((version, source))
    return order(facts(world, *one) for one in own)


def order(releases: Iterable[Facts]) -> list[Facts]:
    """Return releases, the oldest version first, each once."""
    return sorted(set(releases), key=lambda one: key(one.version))


def facts(world: World, version: str, source: str) -> Facts:
    """Return the facts of a source with a version."""
    return Facts(
        name=world.config.name,
        version=version,
        source=source,
        number=world.repository.distance(source),
        epoch=world.repository.epoch(source),
    )


def own_tags(world: World, source: str) -> dict[str, str]:
    """Return the tags of this buildpack's releases that the source commit's history holds: name to commit."""
    repository = world.repository
    return {
        name: ref.commit
        for name, ref in repository.tags().items()
        if TAG.fullmatch(name)
        and ref.trailers.get("Release") == f"{world.config.name} {name.removeprefix('v')}"
        and repository.is_ancestor(ref.commit, source)
    }


def uncounted(world: World, source: str) -> list[str]:
    """Return the commits up to the source that touch nothing but excludes: they ask for no version."""
    repository = world.repository
    since = [f"^{commit}" for commit in own_tags(world, source).values()]
    paths = [".", *(f":(exclude){pattern}" for pattern in world.config.excludes)]
    every = repository.git("rev-list", source, *since).splitlines()
    counted = set(repository.git("rev-list", "--full-history", source, *since, "--", *paths).splitlines())
    return [commit for commit in every if commit not in counted]


def of(world: World, source: str, wanted: str | None) -> Facts:
    """Return the facts of the source commit's release; `wanted` is the version that the user asked for."""
    for known in [*released(world), *candidates(world)]:
        if known.source == source:
            _require_same(known, wanted)
            _require_own(world, known)
            return known
    return facts(world, _wanted(world, source, wanted) or _next_free(world, source), source)


def _require_same(known: Facts, wanted: str | None) -> None:
    if wanted not in (None, known.version):
        raise SourceError(
            f"the source {known.source[:12]} is {known.name} {known.version} already, not {wanted}",
            "A source has one version. Leave out --version, or commit a change first.",
        )


def _require_own(world: World, known: Facts) -> None:
    """Refuse a candidate whose version was given to another source, by a tag that the train did not make."""
    tag = world.repository.tags().get(f"v{known.version}")
    if tag and tag.trailers.get("Source") != known.source:
        raise TakenError(
            f"candidate/{known.source[:12]} is {known.version}, but v{known.version} is another commit's tag",
            f"Remove the candidate, and run again: ./inv prune --source {known.source[:12]}",
        )


def _wanted(world: World, source: str, wanted: str | None) -> str | None:
    """Return the version that the user asked for, or None; raises SourceError where it cannot be had."""
    if wanted is None:
        return None
    if not SEMVER.fullmatch(wanted):
        raise SourceError(f"'{wanted}' is no version", "Give three numbers, without v: --version 1.2.3")
    if _taken(world, wanted, source):
        raise SourceError(f"version {wanted} belongs to another source", "Nothing published is overwritten.")
    _require_below(world, source, wanted)
    return wanted


def _next_free(world: World, source: str) -> str:
    """Return the version that the commits ask for, raised by patch until it is free.

    On an older line, whose next line is released already, it is a patch: the line's numbers stay below.
    """
    own = own_tags(world, source)
    first = cliff.next_version(world.repository, source, own, uncounted(world, source))
    limit = _next_line(world, source)
    if limit and key(first) >= key(limit):
        first = next(_patches(max((name.removeprefix("v") for name in own), key=key)))
    found = next(version for version in _patches(first) if not _taken(world, version, source))
    _require_below(world, source, found)
    return found


def _next_line(world: World, source: str) -> str | None:
    """Return the first version above this line's that is released from a history which this one lacks."""
    own = {name.removeprefix("v") for name in own_tags(world, source)}
    if not own:
        return None
    newest = max(key(version) for version in own)
    others = [one.version for one in released(world) if one.version not in own and key(one.version) > newest]
    return min(others, key=key, default=None)


def _require_below(world: World, source: str, found: str) -> None:
    limit = _next_line(world, source)
    if limit and key(found) >= key(limit):
        raise SourceError(
            f"{found} is not below {limit}, which the next line has: this line has no number left for "
            f"{source[:12]}",
            f"Give one below {limit} that is free: --version X.Y.Z",
        )


def _patches(first: str) -> Iterator[str]:
    major, minor, patch = key(first)
    while True:
        yield f"{major}.{minor}.{patch}"
        patch += 1


def _taken(world: World, version: str, source: str) -> bool:
    """Return whether a tag (of any buildpack), a candidate, or a claim of another source has the version."""
    if f"v{version}" in world.repository.tags() or version in {one.version for one in candidates(world)}:
        return True
    return claim.owner(world, version) not in (None, source)
