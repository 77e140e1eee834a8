"""Rules of applying a manifest to an app; purely additive: what it does not name stays.

Source of the order: cloud_controller's app_apply_manifest.rb.
"""

import secrets

from foundation import errors
from foundation.manifest import AppPart, ProcessPart, SidecarPart
from foundation.present import merged
from foundation.rows.apps import App, Process, Sidecar
from foundation.rows.routes import Destination
from foundation.rows.tenants import Space
from foundation.rules import apps, processes, routes, sidecars
from foundation.store import Db

ADJECTIVES = ("brave", "calm", "eager", "fuzzy", "happy", "kind", "quick", "quiet", "shiny", "witty")
NOUNS = ("badger", "bison", "crane", "gecko", "heron", "lynx", "otter", "panda", "raven", "wombat")


def create_missing(db: Db, space: Space, part: AppPart) -> App:
    """Return the part's app, created where it is missing."""
    found = db.first(App, space_guid=space.guid, name=part.name)
    if found:
        return found
    stack = part.stack or apps.default_stack(db)
    app = App(name=part.name, space_guid=space.guid, stack=stack, buildpacks=part.buildpacks or [])
    try:
        return apps.create(db, app)
    except errors.ApiError as error:
        raise error.prefixed(_prefix(part)) from error


def apply(db: Db, app_guid: str, part: AppPart) -> None:
    """Change an app as its part of the manifest says; raise what is wrong with the app's name in front."""
    app = db.need(App, app_guid)
    try:
        _refuse_what_is_absent(part)
        for process in part.processes:
            _apply_process(db, app, process)
        for sidecar in part.sidecars:
            _apply_sidecar(db, app, sidecar)
        changed = _apply_app(db, app, part)
        _apply_routes(db, changed, part)
    except errors.ApiError as error:
        raise error.prefixed(_prefix(part)) from error


def _prefix(part: AppPart) -> str:
    return f"For application '{part.name}': "


def _refuse_what_is_absent(part: AppPart) -> None:
    enabled = [name for name, value in part.features.items() if value is not False]
    if enabled:
        raise errors.unprocessable(f"The local foundation does not have the app feature '{enabled[0]}'")
    if part.services:
        raise errors.not_found(f"Service instance '{part.services[0]}'")


def _apply_process(db: Db, app: App, part: ProcessPart) -> None:
    process = db.first(Process, app_guid=app.guid, type=part.type)
    process = process or processes.create(db, app.guid, part.type)
    processes.change(db, process, dict(part.changes))


def _apply_sidecar(db: Db, app: App, part: SidecarPart) -> None:
    existing = db.first(Sidecar, app_guid=app.guid, name=part.name)
    if existing:
        sidecars.change(db, existing, dict(part.changes))
    else:
        sidecars.create(db, Sidecar(app_guid=app.guid, name=part.name, **part.changes))


def _apply_app(db: Db, app: App, part: AppPart) -> App:
    changes = {
        "stack": part.stack or app.stack,
        "buildpacks": app.buildpacks if part.buildpacks is None else part.buildpacks,
        "environment": {**app.environment, **part.environment},
        "metadata": merged(app.metadata, part.metadata),
    }
    return apps.change(db, app, changes)


def _apply_routes(db: Db, app: App, part: AppPart) -> None:
    if part.no_route:
        db.delete(*db.find(Destination, app_guid=app.guid))
        return
    space = db.need(Space, app.space_guid)
    for url in part.routes:
        domain, host, path = routes.read_url(db, url)
        routes.lead(db, routes.ensure(db, space, domain, host, path), app)
    if routes.of_app(db, app.guid) or not (part.random_route or part.default_route):
        return
    host = _random_host(app.name) if part.random_route else _as_host(app.name)
    routes.lead(db, routes.ensure(db, space, routes.default_domain(db), host), app)


def _as_host(name: str) -> str:
    kept = "".join(
        letter
        for letter in name.replace(" ", "-")
        if letter.isascii() and (letter.isalnum() or letter in "-_")
    )
    return kept.strip("-").lower()


def _random_host(name: str) -> str:
    letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(2))
    return f"{_as_host(name)}-{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}-{letters}"
