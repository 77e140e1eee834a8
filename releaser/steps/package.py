"""Packaging the buildpack, uncached and cached, for each stack."""

from releaser import candidate, packaging, report
from releaser.candidate import Ready
from releaser.config import Variant
from releaser.errors import SourceError
from releaser.model import BUILDPACK, Candidate, Release, sha256


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
    candidate.say_ready(release, Ready(commit=commit, binaries=candidate.binary_rows(release), zips=made))


def _wanted(release: Release) -> list[tuple[str, Variant]]:
    return [(stack, variant) for stack in release.config.stacks for variant in release.config.variants]


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
    with report.transfer(name, made.size) as advance:
        release.world.store.put_new(key, path, digest=made.digest, kind="application/zip", advance=advance)
    return made
