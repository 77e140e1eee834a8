"""The claim on a version: a conditionally put object that says which source has it, so that only one can."""

import json

from releaser import candidate
from releaser.errors import OverwriteError, TakenError
from releaser.model import Release, World


def owner(world: World, version: str) -> str | None:
    """Return the source commit that a version belongs to, as its claim or its record says, or None."""
    return claimant(world, version) or _source(world, version, "release.json")


def claimant(world: World, version: str) -> str | None:
    """Return the source commit that has claimed a version, or None."""
    return _source(world, version, "source.json")


def _source(world: World, version: str, name: str) -> str | None:
    said = world.store.read(f"{world.prefix()}/{version}/{name}")
    return None if said is None else str(json.loads(said)["source"])


def is_taken(release: Release) -> bool:
    """Say whether the version is claimed for this release's source."""
    return candidate.read_json(release, release.claim_key) == _content(release)


def take(release: Release) -> None:
    """Claim the version; raises TakenError where another source was faster: of two exactly one wins."""
    try:
        candidate.put_json(release, release.claim_key, _content(release))
    except OverwriteError as error:
        other = owner(release.world, release.version) or "another source"
        raise TakenError(
            f"version {release.version} was taken by {other[:12]} before {release.short} could have it",
            "Run the same command again: it takes the next version that is free.",
        ) from error


def _content(release: Release) -> dict[str, str]:
    return {"name": release.name, "version": release.version, "source": release.facts.source}
