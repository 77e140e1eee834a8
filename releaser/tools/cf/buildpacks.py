"""Admin buildpacks on a foundation: find, create, change, upload, install or replace, delete."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from releaser.errors import FoundationError, PackageError
from releaser.tools.cf.session import ApiRefusedError, Session, explained, request, resources, wait_for_job
from releaser.tools.cf.transport import CONNECT_S, UPLOAD_S, Upload

LAST = 10_000  # the API puts a position that is too large at the end
MANIFEST_LIMIT = 1 << 20  # the API's own limit for a manifest.yml


@dataclass(frozen=True, kw_only=True)
class Buildpack:
    """An installed buildpack; `stack` is None where it serves any, `filename` while nothing is uploaded."""

    guid: str
    name: str
    stack: str | None
    ready: bool
    position: int = LAST
    enabled: bool = True
    locked: bool = False
    filename: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


def find_buildpacks(session: Session, name: str) -> list[Buildpack]:
    """Return every record of that name: one for each stack, and leftovers of failed uploads."""
    with explained(f"look for the buildpack {name}"):
        return [_buildpack(row) for row in session.client.v3.buildpacks.list(names=name)]


def all_buildpacks(session: Session) -> list[Buildpack]:
    """Return every record of the foundation, by position."""
    return [_buildpack(row) for row in resources(session, "/v3/buildpacks", what="list the buildpacks")]


def _buildpack(row: Mapping[str, Any]) -> Buildpack:
    metadata = row.get("metadata") or {}
    return Buildpack(
        guid=row["guid"],
        name=row["name"],
        stack=row["stack"],
        ready=row["state"] == "READY",
        position=row.get("position") or LAST,
        enabled=row.get("enabled", True),
        locked=row.get("locked", False),
        filename=row.get("filename"),
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
    )


def create_buildpack(
    session: Session,
    *,
    name: str,
    stack: str,
    enabled: bool,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Buildpack:
    """Create a record without bits, at the end; raises ApiRefusedError where name and stack are taken."""
    wished = {
        "name": name,
        "stack": stack,
        "position": LAST,
        "enabled": enabled,
        "metadata": {"labels": dict(labels), "annotations": dict(annotations)},
    }
    what = f"create the buildpack {name}"
    return _buildpack(request(session, "post", "/v3/buildpacks", what=what, json=wished).json())


def change_buildpack(session: Session, buildpack: Buildpack, **changes: object) -> Buildpack:
    """Change what is given of a record, all of it at once, and return how it is then."""
    what = f"update the buildpack {buildpack.name}"
    path = f"/v3/buildpacks/{buildpack.guid}"
    return _buildpack(request(session, "patch", path, what=what, json=changes).json())


def show_buildpack(session: Session, buildpack: Buildpack) -> Buildpack:
    """Return how a record is now."""
    what, path = f"look at the buildpack {buildpack.name}", f"/v3/buildpacks/{buildpack.guid}"
    return _buildpack(request(session, "get", path, what=what).json())


def stack_of(zip_path: Path) -> str | None:
    """Return the stack that the zip's manifest.yml names, None for any; raises PackageError."""
    try:
        with zipfile.ZipFile(zip_path) as file:
            if "manifest.yml" not in file.namelist():
                return None
            with file.open("manifest.yml") as opened:
                manifest = yaml.safe_load(opened.read(MANIFEST_LIMIT))
    except (zipfile.BadZipFile, yaml.YAMLError) as error:
        raise PackageError(f"{zip_path.name} is not a usable buildpack zip: {error}") from error
    stack = manifest.get("stack") if isinstance(manifest, dict) else None
    return None if stack is None else str(stack)


def install_buildpack(
    session: Session,
    zip_path: Path,
    *,
    name: str,
    position: int = LAST,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Buildpack:
    """Create the buildpack, or replace the bits of the one with this name and the zip's stack.

    A record without a stack and without bits is a leftover of a failed upload: it is deleted, for the API
    refuses any further creation beside it. A record that this call creates is deleted if its upload fails.
    """
    stack = stack_of(zip_path)
    records = find_buildpacks(session, name)
    for leftover in [one for one in records if one.stack is None and not one.ready]:
        delete_buildpack(session, leftover)
    current = next((one for one in records if one.stack == stack and (one.stack or one.ready)), None)
    if current is None:
        return _create(session, zip_path, name, stack, position, annotations, labels)
    _update(session, current, position, annotations, labels)
    upload_buildpack(session, current, zip_path)
    return current


def delete_buildpack(session: Session, buildpack: Buildpack) -> None:
    """Delete a buildpack; one that is gone already is fine."""
    what = f"delete the buildpack {buildpack.name}"
    try:
        with explained(what):
            job = session.client.v3.buildpacks.remove(buildpack.guid)
    except ApiRefusedError as error:
        if error.status == 404:
            return
        raise
    wait_for_job(session, job, what=what)


def _create(
    session: Session,
    zip_path: Path,
    name: str,
    stack: str | None,
    position: int,
    annotations: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
) -> Buildpack:
    # The stack is named here already: without it the API cannot tell a second stack's record from a leftover.
    with explained(f"create the buildpack {name}"):
        row = session.client.v3.buildpacks.create(
            name,
            position=position,
            stack=stack,
            meta_labels=dict(labels or {}),
            meta_annotations=dict(annotations or {}),
        )
    made = _buildpack(row)
    try:
        upload_buildpack(session, made, zip_path)
    except FoundationError:
        delete_buildpack(session, made)
        raise
    return made


def _update(
    session: Session,
    buildpack: Buildpack,
    position: int,
    annotations: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
) -> None:
    given = {"annotations": annotations, "labels": labels}
    metadata = {key: dict(values) for key, values in given.items() if values is not None}
    changes: dict[str, Any] = {"position": position} | ({"metadata": metadata} if metadata else {})
    path = f"/v3/buildpacks/{buildpack.guid}"
    request(session, "patch", path, what=f"update the buildpack {buildpack.name}", json=changes)


def upload_buildpack(session: Session, buildpack: Buildpack, zip_path: Path) -> None:
    """Give a record its bits, and wait until the foundation has taken them."""
    # Not the library's upload: that one holds the zip in memory twice, and takes a failed job for a success.
    what = f"upload {zip_path.name} as the buildpack {buildpack.name}"
    body = Upload(path=zip_path, filename=zip_path.name)
    path, limits = f"/v3/buildpacks/{buildpack.guid}/upload", (CONNECT_S, UPLOAD_S)
    answer = request(session, "post", path, what=what, data=body, headers=body.headers, timeout=limits)
    wait_for_job(session, answer.headers.get("Location"), what=what)
