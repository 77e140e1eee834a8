"""Rules of apps: creation with the web process, assigning a droplet, and what a deletion takes along."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from foundation import logs
from foundation.errors import taken, unprocessable
from foundation.rows.apps import App, Process, Sidecar, Started
from foundation.rows.base import Row
from foundation.rows.routes import Destination
from foundation.rows.work import Build, Droplet, Package, Stack
from foundation.rules import buildpacks, processes, sidecars
from foundation.store import Db

OF_AN_APP: Sequence[type[Row]] = (Process, Sidecar, Package, Build, Droplet, Destination, Started)


def default_stack(db: Db) -> str:
    """Return the stack of apps that name none."""
    stack = db.first(Stack, default=True)
    return stack.name if stack else ""


def create(db: Db, app: App) -> App:
    """Keep a new app and its web process."""
    _check(db, app)
    processes.create(db, app.guid, "web")
    return db.insert(app)


def change(db: Db, app: App, changes: Mapping[str, Any]) -> App:
    """Apply a PATCH, or the part of a manifest that is about the app itself."""
    changed = db.change(app, **changes)
    _check(db, changed)
    return changed


def _check(db: Db, app: App) -> None:
    namesakes = db.find(App, space_guid=app.space_guid, name=app.name)
    if any(other.guid != app.guid for other in namesakes):
        raise taken(f"App with the name '{app.name}' already exists.")
    if db.first(Stack, name=app.stack) is None:
        raise unprocessable("Stack must be an existing stack")
    sentences = [*buildpacks.unknown(db, app.buildpacks, app.stack), *unusable(app.environment)]
    if sentences:
        raise unprocessable(*sentences)


def unusable(names: Iterable[str]) -> list[str]:
    """Return a sentence for each name that no environment variable of an app may have."""
    sentences = []
    for name in names:
        if not name or "=" in name or "\0" in name:
            sentences.append(f"Environment variable name {name!r} must not be empty nor hold '=' or NUL")
        elif name.upper().startswith(("VCAP_", "VMC_")):
            sentences.append(
                f"Environment variable name '{name}' cannot start with {name.upper().split('_')[0]}_"
            )
        elif name.upper() == "PORT":
            sentences.append("Environment variables cannot set PORT")
    return sentences


def assign(db: Db, app: App, droplet_guid: str) -> App:
    """Make a droplet the app's current one: missing process types and buildpack sidecars follow it."""
    droplet = db.get(Droplet, droplet_guid)
    if droplet is None or droplet.app_guid != app.guid or droplet.state != "STAGED":
        raise unprocessable(
            "Unable to assign current droplet. Ensure the droplet exists and belongs to this app."
        )
    existing = {process.type for process in db.find(Process, app_guid=app.guid)}
    for process_type in droplet.process_types:
        if process_type not in existing:
            sidecars.check_new_type(db, processes.create(db, app.guid, process_type))
    sidecars.synchronise(db, app, droplet)
    return db.change(app, droplet_guid=droplet.guid)


def delete(db: Db, app: App) -> Mapping[type[Row], Sequence[str]]:
    """Forget an app and all that is its own; routes stay. Return the guids that went with it."""
    gone = {}
    for kind in OF_AN_APP:
        rows = db.find(kind, app_guid=app.guid)
        db.delete(*rows)
        gone[kind] = [row.guid for row in rows]
    logs.forget(db, app.guid)
    db.delete(app)
    return gone
