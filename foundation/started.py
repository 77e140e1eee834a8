"""What was written down at an app's start, so that a killed server knows what runs.

An app's start writes one row a process, its stop removes them; changes in between take effect at the next
start, but for the number of instances.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from foundation import environment
from foundation.blobs import Blobs
from foundation.errors import unprocessable
from foundation.model.running import HealthCheck, ProcessSpec, SidecarSpec
from foundation.rows.apps import App, Process, Started
from foundation.rows.base import new_guid
from foundation.rows.work import Droplet
from foundation.rules import processes, sidecars
from foundation.settings import Settings
from foundation.store import Db


def start(db: Db, settings: Settings, blobs: Blobs, app: App) -> App:
    """Write down that an app runs as it is now; running processes of an earlier start are replaced."""
    droplet = db.get(Droplet, app.droplet_guid) if app.droplet_guid else None
    if droplet is None:
        raise unprocessable("Assign a droplet before starting this app.")
    db.delete(*db.find(Started, app_guid=app.guid))
    for process in db.find(Process, app_guid=app.guid):
        version = new_guid()
        spec = ProcessSpec(
            process_guid=process.guid,
            version=version,
            app_guid=app.guid,
            type=process.type,
            stack=droplet.stack,
            droplet=blobs.droplet(droplet.guid),
            command=processes.command(db, process),
            instances=process.instances,
            memory_mb=process.memory_mb,
            disk_mb=process.disk_mb,
            health_check=_health_check(process),
            sidecars=[
                SidecarSpec(name=sidecar.name, command=sidecar.command, memory_mb=sidecar.memory_mb)
                for sidecar in sidecars.of_process(db, process)
            ],
            ports=processes.ports(db, process),
            environment=environment.of_running(app),
            vcap_application=environment.application_of_process(db, settings, process, version),
        )
        db.insert(Started(guid=process.guid, app_guid=app.guid, spec=_as_json(spec)))
    return db.change(app, state="STARTED")


def stop(db: Db, app: App) -> App:
    """Write down that an app does not run."""
    db.delete(*db.find(Started, app_guid=app.guid))
    return db.change(app, state="STOPPED")


def wanted(db: Db, app_guid: str) -> list[ProcessSpec]:
    """Return what should run of an app: as it was at its start, with today's number of instances."""
    return [
        replace(_from_json(started.spec), instances=db.need(Process, started.guid).instances)
        for started in db.find(Started, app_guid=app_guid)
    ]


def _health_check(process: Process) -> HealthCheck:
    default = HealthCheck()
    return HealthCheck(
        type=process.health_type,
        endpoint=process.health_endpoint,
        timeout_s=process.health_timeout or default.timeout_s,
        invocation_timeout_s=process.health_invocation_timeout or default.invocation_timeout_s,
        interval_s=process.health_interval or default.interval_s,
    )


def _as_json(spec: ProcessSpec) -> dict[str, Any]:
    return {**asdict(spec), "droplet": str(spec.droplet)}


def _from_json(kept: Mapping[str, Any]) -> ProcessSpec:
    return ProcessSpec(
        **{
            **kept,
            "droplet": Path(kept["droplet"]),
            "health_check": HealthCheck(**kept["health_check"]),
            "sidecars": [SidecarSpec(**sidecar) for sidecar in kept["sidecars"]],
        }
    )
