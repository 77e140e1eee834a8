"""Gives a source commit its version, once: from a candidate or tag that names it, or from its history."""

import json
import re
from collections.abc import Iterator

from releaser.errors import SourceError
from releaser.model import Facts, World
from releaser.tools import cliff

SEMVER = re.compile(r"\d+\.\d+\.\d+")
TAG = re.compile(r"v(\d+\.\d+\.\d+)")


def key(version: str) -> tuple[int, ...]:
    """Return what versions are sorted by."""
    return tuple(int(part) for part in version.split("."))


def released(world: World) -> dict[str, Facts]:
    """Return the releases of this buildpack that are tagged: version to facts, oldest first."""
    tags = {name: commit for name, commit in world.repository.tags().items() if TAG.fullmatch(name)}
    return _by_version(world, list(tags.values()))


def candidates(world: World) -> dict[str, Facts]:
    """Return the releases of this buildpack that are on a candidate branch: version to facts."""
    return _by_version(world, list(world.repository.branches("candidate").values()))


def _by_version(world: World, commits: list[str]) -> dict[str, Facts]:
    rows = world.repository.releases(commits).values()
    own = [
        (version, source)
        for (name, _, version), source in ((release.partition(" "), source) for release, source in rows)
        if name == world.config.name and SEMVER.fullmatch(version) and world.repository.resolve(source)
    ]
    found = {version: _facts(world, version, source) for version, source in own}
    return dict(sorted(found.items(), key=lambda item: key(item[0])))


def _facts(world: World, version: str, source: str) -> Facts:
    return Facts(
        name=world.config.name,
        version=version,
        source=source,
        number=world.repository.distance(source),
        epoch=world.repository.epoch(source),
    )


def own_tags(world: World, source: str) -> dict[str, str]:
    """Return the tags of this buildpack's releases that the source commit's history holds."""
    tags = {name: commit for name, commit in world.repository.tags().items() if TAG.fullmatch(name)}
    named = world.repository.releases(list(tags.values()))
    return {
        name: commit
        for name, commit in tags.items()
        if named.get(commit, ("",))[0] == f"{world.config.name} {name.removeprefix('v')}"
        and world.repository.is_ancestor(commit, source)
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
    known = {**candidates(world), **released(world)}
    for facts in known.values():
        if facts.source == source:
            _require_same(facts, wanted)
            return facts
    return _facts(world, wanted_version(world, source, wanted) or _next_free(world, source), source)


def _require_same(facts: Facts, wanted: str | None) -> None:
    if wanted not in (None, facts.version):
        raise SourceError(
            f"the source {facts.source[:12]} is {facts.name} {facts.version} already, not {wanted}",
            "A source has one version. Leave out --version, or commit a change first.",
        )


def wanted_version(world: World, source: str, wanted: str | None) -> str | None:
    """Return the version that the user asked for, or None; raises SourceError where it cannot be had."""
    if wanted is None:
        return None
    if not SEMVER.fullmatch(wanted):
        raise SourceError(f"'{wanted}' is no version", "Give three numbers, without v: --version 1.2.3")
    if _taken(world, wanted, source):
        raise SourceError(f"version {wanted} belongs to another source", "Nothing published is overwritten.")
    return wanted


def _next_free(world: World, source: str) -> str:
    first = cliff.next_version(world.repository, source, own_tags(world, source), uncounted(world, source))
    return next(version for version in _patches(first) if not _taken(world, version, source))


def _patches(first: str) -> Iterator[str]:
    major, minor, patch = key(first)
    while True:
        yield f"{major}.{minor}.{patch}"
        patch += 1


def _taken(world: World, version: str, source: str) -> bool:
    """Return whether a tag (of any buildpack), a candidate or a record of another source has the version."""
    if f"v{version}" in world.repository.tags() or version in candidates(world):
        return True
    record = world.store.read(f"{world.prefix()}/{version}/release.json")
    return record is not None and json.loads(record)["source"] != source
