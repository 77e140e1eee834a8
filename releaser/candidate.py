"""The candidate in the bucket: its zips, and what says that they are ready."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from releaser import packaging, report
from releaser.errors import PackageError
from releaser.model import BUILDPACK, Candidate, Release, encode, sha256
from releaser.tools import zips


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What ready.json says: all that a release is made of, and what the record will say of its making.

    Whoever promotes it, and where, the record is made of this and the acceptance report alone.
    """

    commit: str
    binaries: tuple[Mapping[str, Any], ...]  # target, key, sha256, size
    zips: tuple[Candidate, ...]
    documents: tuple[Mapping[str, Any], ...]  # name, sha256, size
    entries: Mapping[str, list[Mapping[str, Any]]]  # of each zip: path, mode, sha256, size
    tools: Mapping[str, str | None]  # of the machine that packaged
    places: Mapping[str, str | None]  # public: where the bucket's keys are read; git: what staging clones


def ready(release: Release) -> Ready | None:
    """Return what ready.json says, or None where it is not there yet."""
    found = read_json(release, release.ready_key)
    if found is None:
        return None
    return Ready(
        commit=found["commit"],
        binaries=tuple(found["binaries"]),
        zips=tuple(Candidate(**row) for row in found["zips"]),
        documents=tuple(found.get("documents", ())),
        entries=found.get("entries", {}),
        tools=found.get("tools", {}),
        places=found.get("places", {}),
    )


def say_ready(release: Release, state: Ready) -> None:
    """Put ready.json: the last object of a candidate before its acceptance.

    It holds the release's facts too, so that whoever has it alone can go on.
    """
    put_json(release, release.ready_key, {**asdict(state), "facts": asdict(release.facts)})


def read_json(release: Release, key: str) -> Mapping[str, Any] | None:
    """Return the JSON object under a key, or None."""
    raw = release.world.store.read(key)
    return None if raw is None else dict(json.loads(raw))


def put_json(release: Release, key: str, value: Mapping[str, Any]) -> None:
    """Put a JSON object under a key that must not hold another one."""
    content = encode(value)
    digest = hashlib.sha256(content).hexdigest()
    release.world.store.put_new(key, content, digest=digest, kind="application/json")


def entry_rows(release: Release, one: Candidate) -> list[Mapping[str, Any]]:
    """Return what ready.json and the record say of the files in a zip, read from the zip itself."""
    return [
        {"path": entry.path, "mode": f"{entry.mode:04o}", "sha256": entry.digest, "size": entry.size}
        for entry in zips.entries(release.zips / one.name)
    ]


def binary_rows(release: Release) -> tuple[Mapping[str, Any], ...]:
    """Return what ready.json and the record say of the compiled sidecars."""
    return tuple(
        {
            "target": binary.target,
            "key": release.binary_key(binary),
            "sha256": binary.digest,
            "size": binary.path.stat().st_size,
        }
        for binary in release.binaries()
    )


def local_binary(release: Release) -> Callable[[packaging.Dependency], Path]:
    """Return what finds a dependency's file among the compiled sidecars, by digest."""
    by_digest = {binary.digest: binary.path for binary in release.binaries()}

    def local(dependency: packaging.Dependency) -> Path:
        if dependency.sha256 not in by_digest:
            raise PackageError(f"{dependency.uri} is not what was compiled", "Run ./inv bump again.")
        return by_digest[dependency.sha256]

    return local


def fetch(release: Release, one: Candidate) -> Path:
    """Return the local file of a zip with exactly its digest, downloaded where it is not there."""
    path = release.zips / one.name
    if not path.exists() or sha256(path) != one.digest:
        with report.transfer(one.name, one.size) as advance:
            release.world.store.download(f"{release.candidate_prefix}/{one.name}", path, one.digest, advance)
    return path


def require_contents(release: Release, one: Candidate) -> None:
    """Compare a zip's list of (path, mode, digest) with what the bumped source asks for."""
    expected = packaging.expected_entries(
        release.source / BUILDPACK, stack=one.stack, cached=one.cached, fetch=local_binary(release)
    )
    found = [(entry.path, entry.mode, entry.digest) for entry in zips.entries(release.zips / one.name)]
    different = sorted({row[0] for row in set(expected) ^ set(found)})
    if different:
        raise PackageError(
            f"{one.name} does not hold what {release.branch} says; these differ: {', '.join(different)}",
            f"Nothing is repacked under a taken name. Remove {release.candidate_prefix}/ to start anew.",
        )
