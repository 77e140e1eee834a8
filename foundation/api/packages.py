"""/v3/packages: the files of an app, uploaded as one zip."""

import asyncio
import json
import zipfile
from typing import Annotated

from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from foundation import errors
from foundation.api.bodies import Body, Metadata, ToOne
from foundation.api.call import Call, within
from foundation.api.listing import listing
from foundation.archives import zips
from foundation.blobs import keep, remove
from foundation.engine.wanted import MIB
from foundation.failures import ArchiveError
from foundation.present import Json, header, links, merged, related
from foundation.rows.apps import App
from foundation.rows.base import new_guid, no_metadata
from foundation.rows.work import Package
from foundation.rules import retention
from foundation.uploads import Upload, receive
from foundation.world import World

FILTERS = {"app_guids": "app_guid", "states": "state"}


class OfApp(Body):
    """The relationships of a package."""

    app: ToOne


class Create(Body):
    """POST; the local foundation has no Docker apps."""

    type: Annotated[str, StringConstraints(pattern="^bits$")]
    relationships: OfApp
    metadata: Metadata = Metadata()


def present(call: Call, package: Package) -> Json:
    """Return a package as the API shows it."""
    path = f"/v3/packages/{package.guid}"
    return {
        **header(package),
        "type": "bits",
        "data": {"error": package.error, "checksum": {"type": "sha256", "value": package.sha256}},
        "state": package.state,
        "relationships": {"app": related(package.app_guid)},
        "metadata": package.metadata,
        "links": links(
            call.api,
            {
                "self": path,
                "upload": f"POST {path}/upload",
                "download": f"{path}/download",
                "app": f"/v3/apps/{package.app_guid}",
            },
        ),
    }


def index(call: Call) -> Response:
    """GET /v3/packages."""
    return listing(call, Package, present, filters=FILTERS)


def of_app(call: Call) -> Response:
    """GET /v3/apps/{guid}/packages."""
    where = [("app_guid", [call.need(App).guid])]
    return listing(call, Package, present, filters={"states": "state"}, where=where)


def show(call: Call) -> Response:
    """GET /v3/packages/{guid}."""
    return call.json(present(call, call.need(Package)))


def create(call: Call) -> Response:
    """POST /v3/packages."""
    body = call.read(Create)
    app = call.db.get(App, body.relationships.app.data.guid)
    if app is None:
        raise errors.unprocessable("App is invalid. Ensure it exists and you have access to it.")
    metadata = merged(no_metadata(), body.metadata.model_dump())
    return call.json(present(call, call.db.insert(Package(app_guid=app.guid, metadata=metadata))), 201)


async def upload(request: Request) -> Response:
    """POST /v3/packages/{guid}/upload: READY as soon as the zip is stored, FAILED where it is a bad one."""
    world: World = request.app.state.world
    await within(request, _awaiting)
    growing = world.blobs.upload(new_guid())
    try:
        content_type = request.headers.get("content-type", "")
        received = await receive(content_type, request.stream(), growing, world.settings.upload_limit)
        _check_fields(received)
        refused = await asyncio.to_thread(_fault, received, world.settings.staging_disk_mb * MIB)
        answer = await within(request, lambda call: _keep(call, received, refused))
        if refused:
            raise refused
        return answer
    finally:
        remove([growing])


def download(call: Call) -> Response:
    """GET /v3/packages/{guid}/download."""
    package = call.need(Package)
    if package.state != "READY":
        raise errors.unprocessable("Package has no bits to download.")
    return FileResponse(call.world.blobs.package(package.guid), media_type="application/zip")


def match_resources(call: Call) -> Response:
    """POST /v3/resource_matches: nothing is cached, so every file arrives in the upload."""
    return call.json({"resources": []}, 201)


def _awaiting(call: Call) -> Package:
    package = call.need(Package)
    if package.state != "AWAITING_UPLOAD":
        raise errors.bits_uploaded()
    return package


def _check_fields(received: Upload) -> None:
    if received.filename is None:
        raise errors.unprocessable("Upload must include either resources or bits")
    try:
        matched = json.loads(received.fields.get("resources") or "[]")
    except (ValueError, RecursionError) as error:
        raise errors.unprocessable("Resources must be a JSON array") from error
    if matched:
        raise errors.unprocessable(
            "Resources must be empty: the local foundation caches none, send every file"
        )


def _fault(received: Upload, limit: int) -> errors.ApiError | None:
    """Return why a zip could not be staged, if it is a bad one."""
    if not zipfile.is_zipfile(received.path):
        return errors.bits_invalid("Invalid zip archive.")
    try:
        with zips.opened(received.path) as archive:
            zips.check(archive, limit=limit)
    except ArchiveError as error:
        return errors.bits_invalid(f"Invalid zip archive ({error.message}).")
    return None


def _keep(call: Call, received: Upload, refused: errors.ApiError | None) -> Response:
    package = _awaiting(call)
    if refused:
        package = call.db.change(package, state="FAILED", error=str(refused))
        return call.json(present(call, package))
    keep(call.db, received.path, call.world.blobs.package(package.guid))
    package = call.db.change(package, state="READY", sha256=received.sha256)
    retention.expire(call.db, call.world.blobs, package.app_guid)
    return call.json(present(call, package))
