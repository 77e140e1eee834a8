"""/v3/processes, and the same below /v3/apps/{app_guid}/processes/{type}."""

from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.responses import Response

from foundation.api.bodies import Body, Megabytes, Metadata, Seconds
from foundation.api.call import Call
from foundation.api.listing import Filter, Values, listing
from foundation.errors import not_found
from foundation.present import Json, header, links, merged, related
from foundation.rows.apps import App, Process
from foundation.rules import processes
from foundation.store import Condition, Db

HIDDEN = "[PRIVATE DATA HIDDEN IN LISTS]"
START_TIMEOUT_LIMIT_S = 180


class HealthData(Body):
    """How a health check asks; null is the platform's default."""

    timeout: Annotated[int, Field(ge=1, le=START_TIMEOUT_LIMIT_S)] | None = None
    invocation_timeout: Seconds | None = None
    interval: Seconds | None = None
    endpoint: Annotated[str, Field(pattern=r"^/\S*$")] | None = None


class Health(Body):
    """A health check; a change of it replaces all of it."""

    type: Literal["port", "http", "process"]
    data: HealthData = HealthData()


class Update(Body):
    """PATCH: a null command is the droplet's one again."""

    command: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    health_check: Health = Health(type="port")
    metadata: Metadata = Metadata()


class Scale(Body):
    """POST actions/scale: only what is sent changes."""

    instances: Annotated[int, Field(ge=0, le=100)] = 0
    memory_in_mb: Megabytes = 1
    disk_in_mb: Megabytes = 1
    log_rate_limit_in_bytes_per_second: Annotated[int, Field(ge=-1)] = -1


def present(call: Call, process: Process) -> Json:
    """Return a process as the API shows it."""
    path = f"/v3/processes/{process.guid}"
    data: dict[str, Any] = {
        "timeout": process.health_timeout,
        "invocation_timeout": process.health_invocation_timeout,
        "interval": process.health_interval,
    }
    if process.health_type == "http":
        data["endpoint"] = process.health_endpoint
    return {
        **header(process),
        "version": process.guid,
        "type": process.type,
        "command": processes.command(call.db, process) or None,
        "user": "vcap",
        "instances": process.instances,
        "memory_in_mb": process.memory_mb,
        "disk_in_mb": process.disk_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate,
        "health_check": {"type": process.health_type, "data": data},
        "readiness_health_check": {"type": "process", "data": {"invocation_timeout": None, "interval": None}},
        "relationships": {"app": related(process.app_guid), "revision": None},
        "metadata": process.metadata,
        "links": links(
            call.api,
            {
                "self": path,
                "scale": f"POST {path}/actions/scale",
                "app": f"/v3/apps/{process.app_guid}",
                "stats": f"{path}/stats",
                "process_instances": f"{path}/process_instances",
            },
        ),
    }


def find(call: Call) -> Process:
    """Return the process that the path names, by its guid or by app and type."""
    parameters = call.request.path_params
    if "guid" in parameters:
        return call.need(Process)
    app = call.need(App, "app_guid")
    process = call.db.first(Process, app_guid=app.guid, type=parameters["type"])
    if process is None:
        raise not_found("Process")
    return process


def index(call: Call) -> Response:
    """GET /v3/processes."""
    filters: dict[str, Filter] = {"types": "type", "app_guids": "app_guid", "space_guids": _in_spaces}
    return listing(call, Process, _present_listed, filters=filters)


def of_app(call: Call) -> Response:
    """GET /v3/apps/{app_guid}/processes."""
    app = call.need(App, "app_guid")
    where = [("app_guid", [app.guid])]
    return listing(call, Process, _present_listed, filters={"types": "type"}, where=where)


def show(call: Call) -> Response:
    """GET one process."""
    return call.json(present(call, find(call)))


def update(call: Call) -> Response:
    """PATCH one process; it takes effect at the app's next start."""
    process, body = find(call), call.read(Update)
    changes: dict[str, Any] = body.changes("command")
    changes["metadata"] = merged(process.metadata, body.metadata.model_dump())
    if "health_check" in body.model_fields_set:
        check = body.health_check
        changes |= {
            "health_type": check.type,
            "health_endpoint": check.data.endpoint or "/",
            "health_timeout": check.data.timeout,
            "health_invocation_timeout": check.data.invocation_timeout,
            "health_interval": check.data.interval,
        }
    return call.json(present(call, processes.change(call.db, process, changes)))


def scale(call: Call) -> Response:
    """POST actions/scale: instances at once, sizes at the app's next start."""
    process, body = find(call), call.read(Scale)
    fields = {
        "instances": "instances",
        "memory_in_mb": "memory_mb",
        "disk_in_mb": "disk_mb",
        "log_rate_limit_in_bytes_per_second": "log_rate",
    }
    changes = {fields[name]: value for name, value in body.changes(*fields).items()}
    changed = processes.change(call.db, process, changes)
    call.afterwards(lambda: call.world.desired.converge(process.app_guid))
    return call.json(present(call, changed), 202)


def _present_listed(call: Call, process: Process) -> Json:
    return {**present(call, process), "command": HIDDEN}


def _in_spaces(db: Db, values: Values) -> Condition:
    return "app_guid", [app.guid for app in db.select(App, [("space_guid", values)])]
