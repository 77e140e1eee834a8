"""What index.json says: each version with its files, sizes and acceptance, computed from the records."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from releaser.errors import TrainError
from releaser.model import CONFIGURATION, World
from releaser.page.records import Acceptance, Version, Zip
from releaser.sections import Sidecar
from releaser.tools import strict_yaml

Row = dict[str, Any]
COMMIT = re.compile(r"[0-9a-f]{40}")


def document(world: World, versions: Sequence[Version], git: str | None) -> Mapping[str, Any]:
    """Return the index of the versions, which are given newest first; `git` is what staging clones."""
    newest = next((one for one in versions if one.record and not one.yanked), None)
    return {
        "name": world.config.name,
        "buildpack": f"{world.config.name}_buildpack",
        "git": git,
        "newest": newest.version if newest else None,
        "sidecar": _sidecar(world, newest),
        "versions": [_row(world, one, versions[number + 1 :]) for number, one in enumerate(versions)],
    }


def _sidecar(world: World, newest: Version | None) -> Row:
    """Return how an app runs the newest sidecar: as sidecar.yml says at its commit, where we have that."""
    commit = newest.record.commit if newest and newest.record else ""
    try:
        there = world.repository.read(commit, CONFIGURATION) if COMMIT.fullmatch(commit) else None
        said = Sidecar.model_validate(strict_yaml.load((there or b"").decode())["sidecar"])
    except (TrainError, ValueError, TypeError, KeyError):
        said = world.config.sidecar
    return said.model_dump(mode="json", exclude={"source"})


def _row(world: World, one: Version, older: Sequence[Version]) -> Row:
    yanked = one.yanked.model_dump() if one.yanked else None
    whole = one.record is not None
    row: Row = {"version": one.version, "readable": whole, "yanked": yanked, "files": _files(world, one)}
    if one.record is None:
        return row
    record = one.record
    facts = record.model_dump(include={"tag", "date", "source", "commit", "accepted_commit", "signed_by"})
    return {
        **row,
        **facts,
        "zips": [_zip(world, one.version, each, older) for each in record.zips],
        "binaries": [{**each.model_dump(), "url": world.public.url(each.key)} for each in record.binaries],
        "documents": [
            {**each.model_dump(), "url": _url(world, one.version, each.name)} for each in record.documents
        ],
        "acceptance": _acceptance(record.acceptance),
        "tools": {name: value for name, value in record.tools.items() if isinstance(value, str)},
    }


def _files(world: World, one: Version) -> Mapping[str, str | None]:
    """Return the URLs of the version's other objects, by what they are; None for one that it has not."""
    said = one.record
    names = {
        "record": "release.json",
        "checksums": "SHA256SUMS",
        "statement": f"{world.config.name}_buildpack-v{one.version}.intoto.json"
        if said and said.has_statement
        else None,
        "signature": "release.json.sig" if said and said.signed_by else None,
    }
    return {what: name and _url(world, one.version, name) for what, name in names.items()}


def _url(world: World, version: str, name: str) -> str:
    return world.public.url(f"{world.prefix()}/{version}/{name}")


def _zip(world: World, version: str, one: Zip, older: Sequence[Version]) -> Row:
    """Return a zip's row; `change` is against the next older version that has one for stack and variant."""
    before = next(_same(one, older), None)
    return {
        **one.model_dump(),
        "url": _url(world, version, one.name),
        "change": one.size - before[1] if before else None,
        "since": before[0] if before else None,
    }


def _same(one: Zip, older: Sequence[Version]) -> Iterator[tuple[str, int]]:
    for each in older:
        for its in each.record.zips if each.record else ():
            if (its.stack, its.variant) == (one.stack, one.variant):
                yield each.version, its.size


def _acceptance(said: Acceptance) -> Row:
    cells = [row.split("/") for test in said.tests for row in test.rows]
    rows = [row for row in cells if len(row) == 3]
    return {
        **said.model_dump(exclude={"tests"}),
        "tests": len(said.tests),
        "passed": sum(test.outcome == "passed" for test in said.tests),
        "apps": sorted({app for app, _, _ in rows}),
        "ways": sorted({way for _, way, _ in rows}),
    }
