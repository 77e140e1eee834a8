"""/v3/sidecars, and the lists below apps and processes."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from foundation.api import processes
from foundation.api.bodies import Body, Megabytes, Name
from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.present import Json, related
from foundation.rows.apps import App, Sidecar
from foundation.rules import sidecars

Command = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"\S")]
ProcessTypes = Annotated[list[Name], Field(min_length=1)]


class Create(Body):
    """POST."""

    name: Name
    command: Command
    process_types: ProcessTypes
    memory_in_mb: Megabytes | None = None


class Update(Body):
    """PATCH: only what is sent changes."""

    name: Name = ""
    command: Command = ""
    process_types: ProcessTypes = Field(default_factory=list)
    memory_in_mb: Megabytes | None = None


def present(_call: Call, sidecar: Sidecar) -> Json:
    """Return a sidecar as the API shows it: without links and metadata, as the real one."""
    return {
        "guid": sidecar.guid,
        "name": sidecar.name,
        "command": sidecar.command,
        "process_types": sorted(sidecar.process_types),
        "memory_in_mb": sidecar.memory_mb,
        "origin": sidecar.origin,
        "relationships": {"app": related(sidecar.app_guid)},
        "created_at": sidecar.created_at,
        "updated_at": sidecar.updated_at,
    }


def of_app(call: Call) -> Response:
    """GET /v3/apps/{guid}/sidecars."""
    return listing(call, Sidecar, present, where=[("app_guid", [call.need(App).guid])])


def of_process(call: Call) -> Response:
    """GET /v3/processes/{guid}/sidecars."""
    guids = [sidecar.guid for sidecar in sidecars.of_process(call.db, processes.find(call))]
    return listing(call, Sidecar, present, where=[("guid", guids)])


def show(call: Call) -> Response:
    """GET /v3/sidecars/{guid}."""
    return call.json(present(call, call.need(Sidecar)))


def create(call: Call) -> Response:
    """POST /v3/apps/{guid}/sidecars; it runs from the app's next start on."""
    app, body = call.need(App), call.read(Create)
    sidecar = Sidecar(
        app_guid=app.guid,
        name=body.name,
        command=body.command,
        process_types=body.process_types,
        memory_mb=body.memory_in_mb,
    )
    return call.json(present(call, sidecars.create(call.db, sidecar)), 201)


def update(call: Call) -> Response:
    """PATCH /v3/sidecars/{guid}."""
    sidecar, body = call.need(Sidecar), call.read(Update)
    changes: dict[str, Any] = body.changes("name", "command", "process_types")
    if "memory_in_mb" in body.model_fields_set:
        changes["memory_mb"] = body.memory_in_mb
    return call.json(present(call, sidecars.change(call.db, sidecar, changes)))


def delete(call: Call) -> Response:
    """DELETE /v3/sidecars/{guid}."""
    call.db.delete(call.need(Sidecar))
    return Response(status_code=204)
