"""Packaging the buildpack, uncached and cached, for each stack."""

import hashlib
from collections.abc import Mapping
from typing import Any

from releaser import budget, candidate, packaging, report
from releaser.candidate import Ready
from releaser.errors import SourceError
from releaser.evidence import sbom, toolchain
from releaser.model import BUILDPACK, Candidate, Release, sha256
from releaser.sections import Variant


def skip(_release: Release) -> str | None:
    """Never skip: the zips are what is published."""
    return None


def find(release: Release) -> str | None:
    """Return the zips' names where the bucket holds all of them, made of the release commit."""
    ready = candidate.ready(release)
    if ready is None or ready.commit != release.commit():
        return None
    if {(one.stack, one.variant) for one in ready.zips} != set(_wanted(release)):
        return None
    for row in ready.documents:
        stored = release.world.store.head(f"{release.candidate_prefix}/{row['name']}")
        if stored is None or stored.digest != row["sha256"]:
            return None
    for one in ready.zips:
        stored = release.world.store.head(f"{release.candidate_prefix}/{one.name}")
        if stored is None or stored.digest != one.digest:
            return None
        candidate.fetch(release, one)
        candidate.require_contents(release, one)
    return "\n".join(f"{one.name} ({report.size(one.size)})" for one in ready.zips)


def run(release: Release) -> None:
    """Make the zips that the bucket does not hold, put them there, and say last that they are ready."""
    commit = release.commit()
    if commit is None:
        raise SourceError(f"{release.branch} is not on the remote", "Run ./inv commit first.")
    made = tuple(_zip(release, stack, variant) for stack, variant in _wanted(release))
    entries = {one.name: candidate.entry_rows(release, one) for one in made}
    ready = Ready(
        commit=commit,
        binaries=candidate.binary_rows(release),
        zips=made,
        documents=_documents(release, entries),
        entries=entries,
        tools=toolchain.versions(release),
        places={"public": release.world.public.base, "git": _clone_url(release)},
    )
    candidate.say_ready(release, ready)


def _wanted(release: Release) -> list[tuple[str, Variant]]:
    return [(stack, variant) for stack in release.config.stacks for variant in release.config.variants]


def _clone_url(release: Release) -> str | None:
    """Return what anybody may clone, where that is a URL and no folder of this machine."""
    url = release.world.git_url
    return url if url and "://" in url else None


def _documents(
    release: Release, entries: Mapping[str, list[Mapping[str, Any]]]
) -> tuple[Mapping[str, Any], ...]:
    """Put the SBOM documents beside the zips and return what ready.json says of them."""
    rows = []
    for name, content in sbom.documents(release, entries).items():
        digest, key = hashlib.sha256(content).hexdigest(), f"{release.candidate_prefix}/{name}"
        release.world.store.put_new(key, content, digest=digest, kind=sbom.KIND)
        rows.append({"name": name, "sha256": digest, "size": len(content)})
    return tuple(rows)


def _zip(release: Release, stack: str, variant: Variant) -> Candidate:
    """Return one candidate zip: the one in the bucket where there is one, else made and put there."""
    folder = release.source / BUILDPACK
    manifest = packaging.read_manifest(folder)
    name = packaging.zip_name(manifest, release.version, stack=stack, cached=variant == "cached")
    key = f"{release.candidate_prefix}/{name}"
    stored = release.world.store.head(key)
    if stored and stored.digest:
        found = Candidate(name, stack, variant, stored.digest, stored.size)
        candidate.fetch(release, found)
        candidate.require_contents(release, found)
        return found
    path = packaging.package(
        folder,
        release.version,
        stack=stack,
        cached=variant == "cached",
        epoch=release.facts.epoch,
        into=release.zips,
        fetch=candidate.local_binary(release),
    )
    made = Candidate(name, stack, variant, sha256(path), path.stat().st_size)
    candidate.require_contents(release, made)
    budget.require(release, made)
    with report.transfer(name, made.size) as advance:
        release.world.store.put_new(key, path, digest=made.digest, kind="application/zip", advance=advance)
    return made
