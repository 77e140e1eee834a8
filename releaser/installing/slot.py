"""A slot: this buildpack on one stack of a foundation. Recognises what is there, from names and metadata."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from releaser.errors import FoundationError
from releaser.model import Candidate
from releaser.tools import cf
from releaser.tools.cf import Buildpack

PREFIX = "release-train.sidecar"  # Cloud Foundry wants a domain with a dot before the slash
VERSION = f"{PREFIX}/version"  # the label; the rest are annotations
DIGEST, SOURCE, RECORD = f"{PREFIX}/sha256", f"{PREFIX}/source", f"{PREFIX}/record"
# What the old one remembers for the new one that takes its place, so that a killed swap can be finished.
POSITION, ENABLED, REPLACED = f"{PREFIX}/position", f"{PREFIX}/enabled", f"{PREFIX}/replaced-at"
BEFORE = "before-adoption"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The records that carry the buildpack's name or one derived from it, on a stack.

    `stackless` are those of its name that name no stack, `beside` our kept and incoming ones, `adopted` what
    was there before, `foreign` what has a name that we would give, without our label.
    """

    name: str
    stack: str
    current: Buildpack | None
    stackless: tuple[Buildpack, ...]
    beside: tuple[Buildpack, ...]
    adopted: tuple[Buildpack, ...]
    foreign: tuple[Buildpack, ...]

    @property
    def kept(self) -> list[Buildpack]:
        """Those kept for rollback, the one that was replaced last first."""
        found = [one for one in self.beside if one.name == kept_name(self.name, str(version_of(one)))]
        return sorted(found, key=_replaced, reverse=True)

    @property
    def incoming(self) -> list[Buildpack]:
        """Those that an install has begun and not ended."""
        return [one for one in self.beside if "-new-" in one.name]

    @property
    def leftovers(self) -> list[Buildpack]:
        """What failed creations left, without stack and bits: `cf update-buildpack` would choose them."""
        return [one for one in self.stackless if not one.ready]

    @property
    def anywhere(self) -> list[Buildpack]:
        """Somebody's buildpack of this name that serves any stack."""
        return [one for one in self.stackless if one.ready]


def look(session: cf.Session, name: str, stack: str) -> Slot:
    """Return what is in the slot."""
    return of(cf.all_buildpacks(session), name, stack)


def of(records: Sequence[Buildpack], name: str, stack: str) -> Slot:
    """Return what of all a foundation's records is in the slot."""
    derived = re.compile(rf"{re.escape(name)}-v\d+-\d+-\d+(-new-[0-9a-f]{{8}})?")
    here = [one for one in records if one.stack == stack]
    beside = [one for one in here if derived.fullmatch(one.name)]
    return Slot(
        name=name,
        stack=stack,
        current=next((one for one in here if one.name == name), None),
        stackless=tuple(one for one in records if one.name == name and one.stack is None),
        beside=tuple(one for one in beside if version_of(one)),
        adopted=tuple(
            one for one in records if one.name == f"{name}-{BEFORE}" and one.stack in (stack, None)
        ),
        foreign=tuple(one for one in beside if not version_of(one)),
    )


def _replaced(one: Buildpack) -> str:
    return one.annotations.get(REPLACED, "")


def version_of(one: Buildpack) -> str | None:
    """Return the version that our label names, None where a record is not ours."""
    said = one.labels.get(VERSION, "")
    return said if re.fullmatch(r"\d+\.\d+\.\d+", said) else None


def buildpack_name(name: str) -> str:
    """Return the name under which apps ask for the buildpack."""
    return f"{name}_buildpack"


def kept_name(name: str, version: str) -> str:
    """Return the name under which a version is kept for rollback."""
    return f"{name}-v{version.replace('.', '-')}"


def incoming_name(name: str, version: str, digest: str) -> str:
    """Return the name under which a zip is installed beside the old: no other bytes ever have it."""
    return f"{kept_name(name, version)}-new-{digest[:8]}"


def holds(one: Buildpack, version: str, zip_: Candidate) -> bool:
    """Return whether a record is this zip, as far as an API that shows no digest of the bits can tell.

    The file's name is what the API remembers of an upload: somebody's own zip has another one.
    """
    said = (version_of(one), one.annotations.get(DIGEST), one.filename)
    return one.ready and said == (version, zip_.digest, zip_.name)


def place_of(slot: Slot) -> tuple[int, bool]:
    """Return the position and the enabled state that a new one shall have.

    Those of the current one; where a killed swap has renamed it, what it remembers; else the end.
    """
    for one in (slot.current, *slot.anywhere):
        if one is not None:
            return one.position, one.enabled
    remembering = sorted((*slot.kept, *slot.adopted), key=_replaced, reverse=True)
    for one in remembering:
        if POSITION in one.annotations:
            return _number(one.annotations[POSITION]), one.annotations.get(ENABLED) != "false"
    return cf.LAST, True


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9]\d{0,8}", text) else cf.LAST


def require_ours(slot: Slot, *, adopt: bool) -> None:
    """Refuse to touch somebody else's buildpack of this name."""
    theirs = [one for one in (slot.current, *slot.anywhere) if one and not version_of(one)]
    if theirs and not adopt:
        stacks = ", ".join(one.stack or "any stack" for one in theirs)
        raise FoundationError(
            f"{slot.name} ({stacks}) is on the foundation already, and ./inv install did not put it there",
            f"Add --adopt to take its place; it is then kept, disabled, as {slot.name}-{BEFORE}.",
        )
    for one in slot.foreign:
        raise FoundationError(
            f"{one.name} ({one.stack}) is on the foundation, and ./inv install did not put it there",
            f"That name is needed. Rename it: cf update-buildpack {one.name} --rename NAME",
        )


def require_unlocked(*records: Buildpack | None) -> None:
    """Refuse to change a buildpack that somebody locked."""
    for one in records:
        if one is not None and one.locked:
            stack = f" -s {one.stack}" if one.stack else ""
            raise FoundationError(
                f"{one.name} ({one.stack or 'any stack'}) is locked",
                "Who locked it has to unlock it first, or an admin: "
                f"cf update-buildpack {one.name}{stack} --unlock",
            )
