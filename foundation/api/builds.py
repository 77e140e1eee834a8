"""/v3/builds: stagings of packages."""

from starlette.responses import Response

from foundation.api.bodies import Body, Guid, Lifecycle, Metadata
from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.errors import unprocessable
from foundation.present import Json, header, links, merged, related
from foundation.rows.apps import App
from foundation.rows.base import no_metadata
from foundation.rows.work import Build, Package
from foundation.rules import builds

FILTERS = {"app_guids": "app_guid", "package_guids": "package_guid", "states": "state"}


class Create(Body):
    """POST; without a lifecycle the app's own is used."""

    package: Guid
    lifecycle: Lifecycle = Lifecycle()
    metadata: Metadata = Metadata()


def present(call: Call, build: Build) -> Json:
    """Return a build as the API shows it."""
    settings = call.world.settings
    paths = {"self": f"/v3/builds/{build.guid}", "app": f"/v3/apps/{build.app_guid}"}
    if build.droplet_guid:
        paths["droplet"] = f"/v3/droplets/{build.droplet_guid}"
    return {
        **header(build),
        "state": build.state,
        "staging_memory_in_mb": settings.staging_memory_mb,
        "staging_disk_in_mb": settings.staging_disk_mb,
        "staging_log_rate_limit_bytes_per_second": -1,
        "error": build.error,
        "lifecycle": {"type": "buildpack", "data": {"buildpacks": build.buildpacks, "stack": build.stack}},
        "package": {"guid": build.package_guid},
        "droplet": {"guid": build.droplet_guid} if build.droplet_guid else None,
        "created_by": {
            "guid": call.world.auth.user_guid,
            "name": build.created_by,
            "email": build.created_by,
        },
        "relationships": {"app": related(build.app_guid)},
        "metadata": build.metadata,
        "links": links(call.api, paths),
    }


def index(call: Call) -> Response:
    """GET /v3/builds."""
    return listing(call, Build, present, filters=FILTERS)


def of_app(call: Call) -> Response:
    """GET /v3/apps/{guid}/builds."""
    where = [("app_guid", [call.need(App).guid])]
    return listing(call, Build, present, filters={"states": "state"}, where=where)


def show(call: Call) -> Response:
    """GET /v3/builds/{guid}."""
    return call.json(present(call, call.need(Build)))


def create(call: Call) -> Response:
    """POST /v3/builds: staging begins as soon as the pool has room."""
    body = call.read(Create)
    package = call.db.get(Package, body.package.guid)
    if package is None:
        raise unprocessable(
            "Unable to use package. Ensure that the package exists and you have access to it."
        )
    data = body.lifecycle.data
    build = builds.create(call.db, package, data.buildpacks, data.stack, call.user)
    build = call.db.change(build, metadata=merged(no_metadata(), body.metadata.model_dump()))

    async def submit() -> None:
        call.world.staging.submit(build)

    call.afterwards(submit)
    return call.json(present(call, build), 201)
