"""/v3/droplets, and an app's current one."""

from starlette.responses import FileResponse, Response

from foundation.api.bodies import ToOne
from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.errors import not_found, unprocessable
from foundation.present import Json, header, links, related
from foundation.rows.apps import App
from foundation.rows.work import Droplet, Package
from foundation.rules import apps

FILTERS = {"app_guids": "app_guid", "states": "state"}


def present(call: Call, droplet: Droplet) -> Json:
    """Return a droplet as the API shows it; its buildpacks' sidecars are not part of that."""
    path = f"/v3/droplets/{droplet.guid}"
    return {
        **header(droplet),
        "state": droplet.state,
        "error": None,
        "lifecycle": {"type": "buildpack", "data": {}},
        "checksum": {"type": "sha256", "value": droplet.sha256},
        "buildpacks": droplet.buildpacks,
        "stack": droplet.stack,
        "image": None,
        "execution_metadata": "",
        "process_types": droplet.process_types,
        "relationships": {"app": related(droplet.app_guid)},
        "metadata": droplet.metadata,
        "links": links(
            call.api,
            {
                "self": path,
                "app": f"/v3/apps/{droplet.app_guid}",
                "package": f"/v3/packages/{droplet.package_guid}",
                "assign_current_droplet": f"PATCH {_relationship(droplet.app_guid)}",
                "download": f"{path}/download",
            },
        ),
    }


def index(call: Call) -> Response:
    """GET /v3/droplets."""
    return listing(call, Droplet, present, filters=FILTERS)


def of_app(call: Call) -> Response:
    """GET /v3/apps/{guid}/droplets."""
    where = [("app_guid", [call.need(App).guid])]
    return listing(call, Droplet, present, filters={"states": "state"}, where=where)


def of_package(call: Call) -> Response:
    """GET /v3/packages/{guid}/droplets."""
    where = [("package_guid", [call.need(Package).guid])]
    return listing(call, Droplet, present, filters={"states": "state"}, where=where)


def show(call: Call) -> Response:
    """GET /v3/droplets/{guid}."""
    return call.json(present(call, call.need(Droplet)))


def download(call: Call) -> Response:
    """GET /v3/droplets/{guid}/download."""
    droplet = call.need(Droplet)
    if droplet.state != "STAGED":
        raise unprocessable("Only staged droplets can be downloaded.")
    return FileResponse(call.world.blobs.droplet(droplet.guid), media_type="application/gzip")


def current(call: Call) -> Response:
    """GET /v3/apps/{guid}/droplets/current."""
    app = call.need(App)
    if app.droplet_guid is None:
        raise not_found("Droplet")
    return call.json(present(call, call.db.need(Droplet, app.droplet_guid)))


def show_relationship(call: Call) -> Response:
    """GET /v3/apps/{guid}/relationships/current_droplet."""
    app = call.need(App)
    if app.droplet_guid is None:
        raise not_found("Droplet")
    return call.json(_present_relationship(call, app))


def assign(call: Call) -> Response:
    """PATCH /v3/apps/{guid}/relationships/current_droplet; it runs from the app's next start on."""
    app, body = call.need(App), call.read(ToOne)
    return call.json(_present_relationship(call, apps.assign(call.db, app, body.data.guid)))


def _present_relationship(call: Call, app: App) -> Json:
    paths = {"self": _relationship(app.guid), "related": f"/v3/apps/{app.guid}/droplets/current"}
    return {"data": {"guid": app.droplet_guid}, "links": links(call.api, paths)}


def _relationship(app_guid: str) -> str:
    return f"/v3/apps/{app_guid}/relationships/current_droplet"
