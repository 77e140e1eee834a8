"""Apps on a foundation: makes them what their manifest says, finds them, asks for their processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from releaser.errors import ConfigError, FoundationError
from releaser.tools.cf.session import (
    ApiRefusedError,
    Session,
    Space,
    explained,
    request,
    resources,
    wait_for_job,
)


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance of a process; `state` is STARTING, RUNNING, CRASHED or DOWN, `uptime` in seconds."""

    index: int
    guid: str
    state: str
    uptime: int
    details: str


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the one application of a manifest; raises ConfigError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"the manifest {path} cannot be read: {error}") from error
    applications = content.get("applications") if isinstance(content, dict) else None
    if not isinstance(applications, list) or len(applications) != 1:
        raise ConfigError(f"the manifest {path} does not have exactly one application")
    return dict(applications[0])


def create_app(session: Session, space: Space, name: str, labels: Mapping[str, str]) -> str:
    """Make an app that has its labels from the start, and return its guid; a manifest changes it later."""
    relation = {"space": {"data": {"guid": space.guid}}}
    body = {"name": name, "relationships": relation, "metadata": {"labels": dict(labels)}}
    return str(request(session, "post", "/v3/apps", what=f"create the app {name}", json=body).json()["guid"])


def apply(
    session: Session,
    space: Space,
    application: Mapping[str, Any],
    *,
    annotations: Mapping[str, str] | None = None,
) -> str:
    """Create or change an app as its manifest entry says, and return its guid; nothing is staged yet."""
    routed = {"no-route", "random-route"} & set(application)
    entry = dict(application) if routed else {**application, "default-route": True}  # as the cf CLI does
    entry.pop("path", None)
    what = f"apply the manifest of {entry['name']}"
    content = yaml.safe_dump({"version": 1, "applications": [entry]}, sort_keys=False)
    answer = request(
        session,
        "post",
        f"/v3/spaces/{space.guid}/actions/apply_manifest",
        what=what,
        data=content.encode(),
        headers={"Content-Type": "application/x-yaml"},
    )
    wait_for_job(session, answer.headers.get("Location"), what=what)
    app = find_app(session, space, entry["name"])
    if app is None:
        raise FoundationError(f"the app {entry['name']} is not there after its manifest was applied")
    if annotations:
        changes = {"metadata": {"annotations": dict(annotations)}}
        request(session, "patch", f"/v3/apps/{app['guid']}", what=f"annotate {entry['name']}", json=changes)
    return str(app["guid"])


def find_app(session: Session, space: Space, name: str) -> Mapping[str, Any] | None:
    """Return the API's object of an app, or None."""
    with explained(f"look for the app {name}"):
        found: Mapping[str, Any] | None = session.client.v3.apps.get_first(names=name, space_guids=space.guid)
    return found


def instances(session: Session, app_guid: str, process_type: str = "web") -> list[Instance]:
    """Return the instances of a process, by index."""
    path = f"/v3/apps/{app_guid}/processes/{process_type}/stats"
    rows = request(session, "get", path, what=f"read the {process_type} instances").json()["resources"]
    return [
        Instance(
            index=row["index"],
            guid=row.get("instance_guid") or "",
            state=row["state"],
            uptime=row.get("uptime") or 0,
            details=row.get("details") or "",
        )
        for row in rows
    ]


def sidecars(session: Session, app_guid: str, process_type: str = "web") -> list[Mapping[str, Any]]:
    """Return the API's objects of the sidecars of a process."""
    what = f"list the sidecars of {process_type}"
    process = request(session, "get", f"/v3/apps/{app_guid}/processes/{process_type}", what=what).json()
    return resources(session, f"/v3/processes/{process['guid']}/sidecars", what=what)


def process_types(session: Session, app_guid: str) -> list[str]:
    """Return the types of an app's processes: those that its droplet names."""
    rows = resources(session, f"/v3/apps/{app_guid}/processes", what="list the processes")
    return [str(row["type"]) for row in rows]


def delete_app(session: Session, app_guid: str) -> None:
    """Delete an app; its routes stay, and one that is gone already is fine."""
    try:
        with explained("delete the app"):
            job = session.client.v3.apps.remove(app_guid)
    except ApiRefusedError as error:
        if error.status == 404:
            return
        raise
    wait_for_job(session, job, what="delete the app")
