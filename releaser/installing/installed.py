"""The buildpack's records on a foundation, compared with what the bucket has published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from releaser.installing import published, slot
from releaser.installing.published import Place, Published
from releaser.installing.slot import Slot
from releaser.tools.cf import Buildpack
from releaser.version import key

ROLES = ("current", "kept", "incoming", "adopted", "leftover", "foreign")


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A buildpack record of ours, or under our name; `role` is one of ROLES, `variant` None where unknown."""

    role: str
    name: str
    stack: str | None
    version: str | None
    variant: str | None
    digest: str | None
    position: int
    enabled: bool
    locked: bool


def slots_of(records: Sequence[Buildpack], name: str, stacks: Sequence[str]) -> list[Slot]:
    """Return the slot of each stack that has a record or is released for."""
    every = {one.stack for one in records if one.stack} | set(stacks)
    return [slot.of(records, name, stack) for stack in sorted(every)]


def releases_of(place: Place, found: Sequence[Slot]) -> dict[str, Published]:
    """Return the published ones of those versions that are on the foundation."""
    records = [one for each in found for one in (each.current, *each.beside) if one]
    wanted = {version for one in records if (version := slot.version_of(one))}
    there = {version: published.find(place, version) for version in sorted(wanted, key=key)}
    return {version: release for version, release in there.items() if release}


def _roles(found: Sequence[Slot]) -> Iterator[tuple[str, Buildpack]]:
    """Yield every record with its role, each once."""
    seen = set()
    for each in found:
        current = [each.current] if each.current else []
        groups = ([*current, *each.anywhere], each.kept, each.incoming, each.adopted, each.leftovers)
        for role, group in zip(ROLES, (*groups, each.foreign), strict=True):
            for one in group:
                if one.guid not in seen:
                    seen.add(one.guid)
                    yield role, one


def rows(found: Sequence[Slot], releases: Mapping[str, Published]) -> Iterator[Installed]:
    """Yield what is installed, kept for rollback or left over."""
    for role, one in _roles(found):
        version = slot.version_of(one)
        zips = releases[version].zips if version and version in releases else ()
        variant = next((each.variant for each in zips if slot.holds(one, str(version), each)), None)
        yield Installed(
            role=role,
            name=one.name,
            stack=one.stack,
            version=version,
            variant=variant,
            digest=one.annotations.get(slot.DIGEST),
            position=one.position,
            enabled=one.enabled,
            locked=one.locked,
        )


def warnings(found: Sequence[Slot], releases: Mapping[str, Published]) -> Iterator[str]:
    """Yield what somebody should look at: unknown bits, yanks, leftovers, a swap that was cut off."""
    for each in found:
        if each.current is None and each.beside:
            yield f"{each.name} ({each.stack}) is missing, as a swap was cut off: run ./inv install again"
    for role, one in _roles(found):
        where, version = f"{one.name} ({one.stack or 'no stack'})", slot.version_of(one)
        if role == "leftover":
            yield f"{where} holds nothing and misleads `cf update-buildpack`: ./inv install removes it"
        elif role == "incoming":
            yield f"{where} is of an install that is under way, or was cut off: run it again"
        elif role in ("adopted", "foreign"):
            continue
        elif version is None:
            yield f"{where} was not installed by ./inv install"
        elif version not in releases:
            yield f"{where} says that it is {version}, which is not published in this bucket"
        else:
            yield from _about_release(where, one, releases[version])
        if role == "current" and not one.enabled:
            yield f"{where} is disabled: pushes that name it are refused"


def _about_release(where: str, one: Buildpack, release: Published) -> Iterator[str]:
    if not any(slot.holds(one, release.version, each) for each in release.zips):
        yield f"{where} holds bits that the record of {release.version} does not know: {one.filename}"
    if release.yank:
        yield f"{where} is {release.version}, yanked since {release.yank.date}: {release.yank.reason}"
