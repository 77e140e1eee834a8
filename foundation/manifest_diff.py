"""The difference between a manifest and the app as it is: what applying it would add or replace."""

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.manifest_values import as_texts, megabytes
from foundation.rows.apps import App, Process, Sidecar
from foundation.rows.tenants import Space
from foundation.rules import routes
from foundation.store import Db

# Directions to the push, not facts of an app.
DIRECTIONS = {"path", "no_route", "random_route", "default_route"}
# What entries of a list are told apart by.
IDENTITIES = ("type", "name", "route")


def difference(db: Db, space: Space, applications: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return JSON-patch-like entries, with `was` where something is replaced."""
    found = []
    for index, wished in enumerate(applications):
        app = db.first(App, space_guid=space.guid, name=wished.get("name"))
        current = _describe(db, app) if app else {}
        for key, value in wished.items():
            if key not in DIRECTIONS:
                found += _compare(f"/applications/{index}/{key}", key, value, current.get(key))
    return found


def _compare(path: str, key: str, wished: Any, current: Any) -> list[dict[str, Any]]:
    if current is None:
        return [{"op": "add", "path": path, "value": wished}]
    if _plain(key, wished) == _plain(key, current):
        return []
    if isinstance(wished, dict) and isinstance(current, dict):
        return [
            entry
            for name, value in wished.items()
            for entry in _compare(
                f"{path}/{name}", str(name), value, current.get(str(name).replace("-", "_"))
            )
        ]
    if isinstance(wished, list) and all(isinstance(entry, dict) for entry in wished):
        return [
            entry
            for index, value in enumerate(wished)
            for entry in _compare(f"{path}/{index}", key, value, _same(value, current))
        ]
    return [{"op": "replace", "path": path, "value": wished, "was": current}]


def _same(wished: Mapping[str, Any], current: Any) -> Any:
    for identity in IDENTITIES:
        if identity in wished:
            return next((entry for entry in current if entry.get(identity) == wished[identity]), None)
    return None


def _plain(key: str, value: Any) -> Any:
    if key == "env" and isinstance(value, dict):
        return as_texts(value)
    if key in {"memory", "disk_quota", "disk-quota"}:
        try:
            return megabytes(value)
        except ValueError:
            return value
    return value


def _describe(db: Db, app: App) -> dict[str, Any]:
    processes = {process.type: _process(process) for process in db.find(Process, app_guid=app.guid)}
    return {
        **processes["web"],
        "name": app.name,
        "stack": app.stack,
        "buildpacks": list(app.buildpacks),
        "env": dict(app.environment),
        "metadata": app.metadata,
        "routes": [{"route": routes.url(db, route)} for route in routes.of_app(db, app.guid)],
        "processes": list(processes.values()),
        "sidecars": [_sidecar(sidecar) for sidecar in db.find(Sidecar, app_guid=app.guid)],
    }


def _process(process: Process) -> dict[str, Any]:
    facts = {
        "type": process.type,
        "command": process.command,
        "instances": process.instances,
        "memory": f"{process.memory_mb}M",
        "disk_quota": f"{process.disk_mb}M",
        "health_check_type": process.health_type,
        "timeout": process.health_timeout,
    }
    if process.health_type == "http":
        facts["health_check_http_endpoint"] = process.health_endpoint
    return facts


def _sidecar(sidecar: Sidecar) -> dict[str, Any]:
    memory = None if sidecar.memory_mb is None else f"{sidecar.memory_mb}M"
    return {
        "name": sidecar.name,
        "command": sidecar.command,
        "process_types": list(sidecar.process_types),
        "memory": memory,
    }
