"""Puts a zip into a slot: beside the old, then in its place. Killed anywhere and run again, it ends the same.

Nothing is remembered outside the foundation, and no lock is taken: names are unique there, so of two installs
one gets the name, and the other looks again.
"""

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import EvidenceError, FoundationError
from releaser.installing import slot as slots
from releaser.installing.slot import Slot
from releaser.model import Candidate
from releaser.tools import cf
from releaser.tools.cf import Buildpack

KEPT = 2  # how many old ones stay for rollback
ATTEMPTS, PAUSE_S = 6, 0.3
STAGING_S = 900.0  # Cloud Foundry's own limit for a staging
RACED = (404, 409, 422)  # what another install makes of our requests


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The zip that the slot shall hold; `allow` raises where it must not replace the current one."""

    version: str
    zip: Candidate
    source: str
    record: str
    fetch: Callable[[], Path]
    allow: Callable[[Buildpack | None], None]
    adopt: bool = False


def put(session: cf.Session, name: str, wanted: Wanted, say: Callable[[str], None]) -> bool:
    """Make the wanted zip the current one; False where it is already. Raises FoundationError."""
    for left in reversed(range(ATTEMPTS)):
        try:
            done = _attempt(session, name, wanted, say)
        except cf.ApiRefusedError as error:
            if error.status not in RACED or not left:
                raise
            done = None
        if done is not None:
            return done
        say("Something else changed the buildpacks meanwhile; looking again")
        time.sleep(PAUSE_S)
    raise FoundationError(f"{name} keeps being changed by somebody else", "Run the same command again later.")


def _attempt(session: cf.Session, name: str, wanted: Wanted, say: Callable[[str], None]) -> bool | None:
    """Do what is not done yet; None where the slot changed meanwhile."""
    stack = wanted.zip.stack
    slot = slots.look(session, name, stack)
    slots.require_ours(slot, adopt=wanted.adopt)
    if slot.current and slots.holds(slot.current, wanted.version, wanted.zip):
        _tidy(session, slot, say)
        return False
    wanted.allow(slot.current)
    slots.require_unlocked(slot.current, *slot.anywhere, _of_kept_name(slot))
    incoming = _beside(session, slot, wanted, say)
    if slot.current or slot.anywhere:
        cf.wait_for_stagings(session, name=name, stack=stack, limit=STAGING_S, say=say)
    now = slots.look(session, name, stack)
    if _guid(now.current) != _guid(slot.current):
        return None
    _swap(session, now, incoming, wanted, say)
    _tidy(session, slots.look(session, name, stack), say)
    return True


def _guid(one: Buildpack | None) -> str | None:
    return one.guid if one else None


def _of_kept_name(slot: Slot) -> Buildpack | None:
    """Return what has the name under which the current one is to be kept: other bytes of its version."""
    version = slots.version_of(slot.current) if slot.current else None
    wished = slots.kept_name(slot.name, version) if version else ""
    return next((one for one in slot.beside if one.name == wished), None)


def _beside(session: cf.Session, slot: Slot, wanted: Wanted, say: Callable[[str], None]) -> Buildpack:
    """Return the wanted zip as a record beside the current one, ready, disabled, under the incoming name."""
    temporary = slots.incoming_name(slot.name, wanted.version, wanted.zip.digest)
    there = next((one for one in slot.incoming if one.name == temporary), None)
    kept = next((one for one in slot.kept if slots.holds(one, wanted.version, wanted.zip)), None)
    slots.require_unlocked(there, kept)
    if there is None and kept is not None:
        say(f"{kept.name} is still there: nothing to upload")
        return cf.change_buildpack(session, kept, name=temporary)
    if there is None:
        annotations = {
            slots.DIGEST: wanted.zip.digest,
            slots.SOURCE: wanted.source,
            slots.RECORD: wanted.record,
        }
        labels = {slots.VERSION: wanted.version}
        there = cf.create_buildpack(
            session,
            name=temporary,
            stack=slot.stack,
            enabled=False,
            labels=labels,
            annotations=annotations,
        )
    if not slots.holds(there, wanted.version, wanted.zip):
        say(f"Uploading {wanted.zip.name} beside it, as {temporary}")
        cf.upload_buildpack(session, there, wanted.fetch())
    return _checked(session, there, wanted)


def _checked(session: cf.Session, incoming: Buildpack, wanted: Wanted) -> Buildpack:
    found = cf.show_buildpack(session, incoming)
    if not slots.holds(found, wanted.version, wanted.zip) or found.stack != wanted.zip.stack:
        raise EvidenceError(
            f"{found.name} was uploaded, but the foundation says: stack {found.stack}, "
            f"file {found.filename}, ready {found.ready}, {slots.VERSION} {slots.version_of(found)}",
            f"Delete it and run the same command again: cf delete-buildpack {found.name} -s {found.stack}",
        )
    return found


def _swap(
    session: cf.Session, slot: Slot, incoming: Buildpack, wanted: Wanted, say: Callable[[str], None]
) -> None:
    """Rename the old, then give the new its name, position and state.

    Between these two requests no buildpack has the name: they follow each other at once.
    """
    position, enabled = slots.place_of(slot)
    taken = _of_kept_name(slot)
    if taken is not None:
        cf.delete_buildpack(session, taken)
    memory = {
        slots.POSITION: str(position),
        slots.ENABLED: str(enabled).lower(),
        slots.REPLACED: datetime.datetime.now(datetime.UTC).isoformat(),
    }
    for old in [one for one in (slot.current, *slot.anywhere) if one]:
        version = slots.version_of(old)
        name = slots.kept_name(slot.name, version) if version else f"{slot.name}-{slots.BEFORE}"
        metadata = {"annotations": memory}
        cf.change_buildpack(session, old, name=name, enabled=False, position=cf.LAST, metadata=metadata)
        say(f"The old one is kept as {name}, disabled")
    forget = {"annotations": dict.fromkeys(memory)}
    new = cf.change_buildpack(
        session, incoming, name=slot.name, enabled=enabled, position=position, metadata=forget
    )
    _require_there(new, slot, wanted, position, enabled=enabled)
    state = "enabled" if enabled else "disabled, as the old one was"
    say(f"{slot.name} is {wanted.version}, position {new.position}, {state}")


def _require_there(new: Buildpack, slot: Slot, wanted: Wanted, position: int, *, enabled: bool) -> None:
    there = (new.name, new.stack, new.enabled)
    moved = new.position > position
    if there != (slot.name, slot.stack, enabled) or moved or not slots.holds(new, wanted.version, wanted.zip):
        raise EvidenceError(
            f"{slot.name} ({slot.stack}) should be {wanted.version} at {position}, but the foundation says: "
            f"{new.name}, {new.stack}, {slots.version_of(new)} at {new.position}",
            "Run the same command again, and see `cf buildpacks`.",
        )


def _tidy(session: cf.Session, slot: Slot, say: Callable[[str], None]) -> None:
    """Remove leftovers and all but the last kept ones; what is locked stays."""
    names = {one.name for one in slot.kept}
    for one in slot.incoming:
        kept = slots.kept_name(slot.name, str(slots.version_of(one)))
        current = slot.current and slots.version_of(slot.current)
        if not one.locked and one.ready and kept not in names and slots.version_of(one) != current:
            cf.change_buildpack(session, one, name=kept)  # a rollback that was cut off had begun with it
            names.add(kept)
        else:
            _remove(session, one, say)
    for leftover in slot.leftovers:
        _remove(session, leftover, say)
    for one in slot.kept[KEPT:]:
        _remove(session, one, say)


def _remove(session: cf.Session, one: Buildpack, say: Callable[[str], None]) -> None:
    where = f"{one.name} ({one.stack or 'no stack'})"
    if one.locked:
        say(f"{where} is left, since it is locked")
        return
    cf.delete_buildpack(session, one)
    say(f"Removed {where}, which is not needed any more")
