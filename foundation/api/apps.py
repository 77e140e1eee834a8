"""/v3/apps: apps and the actions on them."""

from collections.abc import Callable, Mapping, Sequence

from pydantic import Field
from starlette.responses import Response

from foundation import started
from foundation.api import jobs, spaces
from foundation.api.bodies import Body, Lifecycle, Metadata, Name, ToOne
from foundation.api.call import Call
from foundation.api.listing import Filter, Include, Values, listing
from foundation.blobs import remove
from foundation.errors import unprocessable
from foundation.present import Json, header, links, merged, related
from foundation.rows.apps import App
from foundation.rows.base import no_metadata
from foundation.rows.tenants import Space
from foundation.rules import apps
from foundation.store import Condition, Db


class OfSpace(Body):
    """The relationships of an app."""

    space: ToOne


class Create(Body):
    """POST."""

    name: Name
    relationships: OfSpace
    lifecycle: Lifecycle = Lifecycle()
    environment_variables: Mapping[str, str] = Field(default_factory=dict)
    metadata: Metadata = Metadata()


class Update(Body):
    """PATCH: only what is sent changes."""

    name: Name = ""
    lifecycle: Lifecycle = Lifecycle()
    metadata: Metadata = Metadata()


def present(call: Call, app: App) -> Json:
    """Return an app as the API shows it."""
    path = f"/v3/apps/{app.guid}"
    parts = ("environment_variables", "processes", "packages", "droplets", "sidecars")
    return {
        **header(app),
        "name": app.name,
        "state": app.state,
        "lifecycle": {"type": "buildpack", "data": {"buildpacks": app.buildpacks, "stack": app.stack}},
        "relationships": {
            "space": related(app.space_guid),
            "current_droplet": {"data": {"guid": app.droplet_guid}},
        },
        "metadata": app.metadata,
        "links": links(
            call.api,
            {
                "self": path,
                "space": f"/v3/spaces/{app.space_guid}",
                **{part: f"{path}/{part}" for part in parts},
                "current_droplet": f"{path}/droplets/current",
                "start": f"POST {path}/actions/start",
                "stop": f"POST {path}/actions/stop",
                "clear_buildpack_cache": f"POST {path}/actions/clear_buildpack_cache",
            },
        ),
    }


def index(call: Call) -> Response:
    """GET /v3/apps."""
    filters: dict[str, Filter] = {
        "names": "name",
        "space_guids": "space_guid",
        "organization_guids": _in_organizations,
        "stacks": "stack",
    }
    include: dict[str, Include[App]] = {"space": _with_spaces, "space.organization": _with_organizations}
    return listing(call, App, present, filters=filters, include=include)


def show(call: Call) -> Response:
    """GET /v3/apps/{guid}."""
    return call.json(present(call, call.need(App)))


def create(call: Call) -> Response:
    """POST /v3/apps."""
    body = call.read(Create)
    if call.db.get(Space, body.relationships.space.data.guid) is None:
        raise unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
    app = App(
        name=body.name,
        space_guid=body.relationships.space.data.guid,
        stack=body.lifecycle.data.stack or apps.default_stack(call.db),
        buildpacks=body.lifecycle.data.buildpacks or [],
        environment=body.environment_variables,
        metadata=merged(no_metadata(), body.metadata.model_dump()),
    )
    return call.json(present(call, apps.create(call.db, app)), 201)


def update(call: Call) -> Response:
    """PATCH /v3/apps/{guid}."""
    app, body = call.need(App), call.read(Update)
    data = body.lifecycle.data
    changes = body.changes("name")
    if "buildpacks" in data.model_fields_set:
        changes["buildpacks"] = data.buildpacks or []
    if data.stack:
        changes["stack"] = data.stack
    changes["metadata"] = merged(app.metadata, body.metadata.model_dump())
    return call.json(present(call, apps.change(call.db, app, changes)))


def start(call: Call) -> Response:
    """POST /v3/apps/{guid}/actions/start: nothing happens to an app that is started."""
    app = call.need(App)
    return call.json(present(call, app)) if app.state == "STARTED" else restart(call)


def restart(call: Call) -> Response:
    """POST /v3/apps/{guid}/actions/restart: every instance is replaced."""
    world = call.world
    return _act(call, lambda app: started.start(call.db, world.settings, world.blobs, app))


def stop(call: Call) -> Response:
    """POST /v3/apps/{guid}/actions/stop."""
    return _act(call, lambda app: started.stop(call.db, app))


def clear_cache(call: Call) -> Response:
    """POST /v3/apps/{guid}/actions/clear_buildpack_cache: the next staging begins without, on every stack."""
    app = call.need(App)
    caches = call.world.blobs.caches(app.guid)
    call.db.after_commit(lambda: remove(caches))
    return jobs.accepted(call, "app.clear_buildpack_cache", "apps", app.guid)


def _act(call: Call, action: Callable[[App], App]) -> Response:
    app = action(call.need(App))
    call.afterwards(lambda: call.world.desired.converge(app.guid))
    return call.json(present(call, app))


def _in_organizations(db: Db, values: Values) -> Condition:
    found = db.select(Space, [("organization_guid", values)])
    return "space_guid", [space.guid for space in found]


def _spaces(call: Call, found: Sequence[App]) -> list[Space]:
    return [call.db.need(Space, guid) for guid in dict.fromkeys(app.space_guid for app in found)]


def _with_spaces(call: Call, found: Sequence[App]) -> Json:
    return {"spaces": [spaces.present(call, space) for space in _spaces(call, found)]}


def _with_organizations(call: Call, found: Sequence[App]) -> Json:
    return spaces.with_organization(call, _spaces(call, found))
