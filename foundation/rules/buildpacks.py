"""Rules of admin buildpacks: names, stacks, dense positions, bits, and which of them a staging uses.

Sources of the rules: cloud_controller's buildpack_create.rb, buildpack_upload.rb, buildpack_bits.rb.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from foundation import errors
from foundation.archives import zips
from foundation.failures import ArchiveError
from foundation.rows.work import Buildpack, Stack
from foundation.store import Db

MANIFEST_LIMIT = 1 << 20  # bytes
URL = re.compile(r"(https?|git|ssh)://[^,\s]+|git@[^,\s]+")


def ordered(db: Db) -> list[Buildpack]:
    """Return all buildpacks by position."""
    return sorted(db.find(Buildpack), key=lambda buildpack: buildpack.position)


def create(db: Db, buildpack: Buildpack) -> Buildpack:
    """Keep a new buildpack at its position; the others make room."""
    _check_stack(db, buildpack.stack)
    _check_free(db, buildpack.name, buildpack.stack)
    return move(db, db.insert(buildpack), buildpack.position)


def change(db: Db, buildpack: Buildpack, changes: dict[str, Any]) -> Buildpack:
    """Apply a PATCH."""
    name, stack = changes.get("name", buildpack.name), changes.get("stack", buildpack.stack)
    if stack != buildpack.stack:
        if buildpack.stack is not None:
            raise errors.unprocessable("Buildpack stack cannot be changed")
        _check_stack(db, stack)
    if (name, stack) != (buildpack.name, buildpack.stack):
        _check_free(db, name, stack)
    position = changes.pop("position", None)
    changed = db.change(buildpack, **changes)
    return changed if position is None else move(db, changed, position)


def move(db: Db, buildpack: Buildpack, position: int) -> Buildpack:
    """Put a buildpack to a position, counted from 1; positions stay dense and too large means last."""
    others = [other for other in ordered(db) if other.guid != buildpack.guid]
    others.insert(position - 1, buildpack)
    _renumber(db, others)
    return db.need(Buildpack, buildpack.guid)


def delete(db: Db, buildpack: Buildpack) -> None:
    """Forget a buildpack and close the gap."""
    db.delete(buildpack)
    _renumber(db, ordered(db))


def stack_in_zip(path: Path) -> str | None:
    """Return the stack that a buildpack zip's manifest.yml names; raise the errors of an upload job."""
    try:
        with zips.opened(path) as archive:
            zips.check(archive)
            if "manifest.yml" not in archive.namelist():
                return None
            if archive.getinfo("manifest.yml").file_size > MANIFEST_LIMIT:
                raise errors.buildpack_zip(f"manifest.yml is larger than {MANIFEST_LIMIT} bytes")
            content = archive.read("manifest.yml")
    except ArchiveError as error:
        raise errors.buildpack_zip(error.message) from error
    try:
        manifest = yaml.load(content, yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise errors.buildpack_zip(f"manifest.yml cannot be read: {error}") from error
    stack = manifest.get("stack") if isinstance(manifest, dict) else None
    return None if stack is None else str(stack)


def accept_bits(db: Db, buildpack: Buildpack, stack: str | None, filename: str, sha256: str) -> Buildpack:
    """Give a buildpack its uploaded bits, and the stack they name; the key changes with the bits."""
    if stack is not None and stack != buildpack.stack:
        if buildpack.stack is not None:
            raise errors.buildpack_stacks_differ(stack, buildpack.stack)
        if db.first(Stack, name=stack) is None:
            raise errors.buildpack_stack_absent(stack)
    final = stack or buildpack.stack
    namesakes = db.find(Buildpack, name=buildpack.name, stack=final)
    if any(other.guid != buildpack.guid for other in namesakes):
        raise errors.buildpack_taken(buildpack.name, final)
    return db.change(buildpack, stack=final, filename=filename, key=f"{buildpack.guid}_{sha256}")


def unknown(db: Db, names: Sequence[str], stack: str) -> list[str]:
    """Return one sentence for each name that can be no buildpack of an app on this stack."""
    sentences = []
    for name in names:
        if URL.fullmatch(name):
            continue
        found = named(db, name, stack)
        if found is None:
            must = "must be an existing admin buildpack or a valid git URI"
            sentences.append(f'Buildpack "{name}" for stack "{stack}" {must}')
        elif found.key is None:
            sentences.append(f'Buildpack "{name}" must be in ready state')
    return sentences


def named(db: Db, name: str, stack: str) -> Buildpack | None:
    """Return the buildpack with this name for this stack, else the one for any stack."""
    return db.first(Buildpack, name=name, stack=stack) or db.first(Buildpack, name=name, stack=None)


def for_staging(db: Db, names: Sequence[str], stack: str) -> list[Buildpack | str]:
    """Return what a staging uses, in order: those named (a str is a URL), else all that may detect."""
    if not names:
        usable = [pack for pack in ordered(db) if pack.enabled and pack.key and pack.stack in (stack, None)]
        if not usable:
            raise errors.unprocessable(f"There are no buildpacks for the stack {stack}: create one first")
        return list(usable)
    sentences = unknown(db, names, stack)
    if sentences:
        raise errors.unprocessable(*sentences)
    found = [named(db, name, stack) or name for name in names]
    disabled = [pack.name for pack in found if isinstance(pack, Buildpack) and not pack.enabled]
    if disabled:
        quoted = ", ".join(f"'{name}'" for name in disabled)
        raise errors.buildpack_invalid(
            f"Requested buildpack(s) {quoted} are disabled and cannot be used for staging"
        )
    return found


def _check_stack(db: Db, stack: str | None) -> None:
    if stack is not None and db.first(Stack, name=stack) is None:
        raise errors.unprocessable(f"Stack '{stack}' does not exist")


def _check_free(db: Db, name: str, stack: str | None) -> None:
    if db.first(Buildpack, name=name, stack=stack) is None:
        return
    if stack is None:
        raise errors.unprocessable(f"Buildpack with name '{name}' and an unassigned stack already exists")
    raise errors.unprocessable(
        f"Buildpack with name '{name}', stack '{stack}' and lifecycle 'buildpack' already exists"
    )


def _renumber(db: Db, buildpacks: Sequence[Buildpack]) -> None:
    for position, buildpack in enumerate(buildpacks, start=1):
        if buildpack.position != position:
            db.change(buildpack, position=position)
