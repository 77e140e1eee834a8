"""Rules of processes: the defaults of a new type, scaling, the start command, and the ports."""

from typing import Any

from foundation.model.running import DEFAULT_PORT
from foundation.rows.apps import App, Process
from foundation.rows.routes import Destination
from foundation.rows.work import Droplet
from foundation.rules import sidecars
from foundation.store import Db


def create(db: Db, app_guid: str, process_type: str) -> Process:
    """Keep a new process type with the platform's defaults; the web process shares the app's guid."""
    web = process_type == "web"
    process = Process(
        app_guid=app_guid,
        type=process_type,
        instances=1 if web else 0,
        health_type="port" if web else "process",
    )
    if not web:
        return db.insert(process)
    return db.insert(Process(**{**vars(process), "guid": app_guid}))


def change(db: Db, process: Process, changes: dict[str, Any]) -> Process:
    """Scale or update a process; its memory has to hold its sidecars."""
    changed = db.change(process, **changes)
    if "memory_mb" in changes:
        sidecars.check_process(db, changed)
    return changed


def command(db: Db, process: Process) -> str:
    """Return the start command: the process's own, else the droplet's, else empty."""
    if process.command is not None:
        return process.command
    app = db.need(App, process.app_guid)
    droplet = db.get(Droplet, app.droplet_guid) if app.droplet_guid else None
    return droplet.process_types.get(process.type, "") if droplet else ""


def ports(db: Db, process: Process) -> list[int]:
    """Return the ports that a process is reached on: those that its routes lead to, else the web's default.

    Source of the rule: cloud_controller's update_route_destinations.rb.
    """
    led = db.find(Destination, app_guid=process.app_guid, process_type=process.type)
    found = list(dict.fromkeys(destination.port for destination in led))
    return found or ([DEFAULT_PORT] if process.type == "web" else [])
