"""/v3/buildpacks: admin buildpacks and the upload of their bits."""

import asyncio
import zipfile
from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from foundation import errors
from foundation.api import jobs
from foundation.api.bodies import Body, Metadata
from foundation.api.call import Call, within
from foundation.api.listing import listing
from foundation.blobs import keep, remove
from foundation.present import Json, header, links, merged
from foundation.rows.base import new_guid, no_metadata
from foundation.rows.work import Buildpack
from foundation.rules import buildpacks
from foundation.uploads import Upload, receive
from foundation.world import World

BuildpackName = Annotated[str, StringConstraints(pattern=r"^[-\w]+$", max_length=255)]
Position = Annotated[int, Field(ge=1)]


class Create(Body):
    """POST."""

    name: BuildpackName
    stack: str | None = None
    position: Position = 1
    enabled: bool = True
    locked: bool = False
    metadata: Metadata = Metadata()


class Update(Body):
    """PATCH: only what is sent changes."""

    name: BuildpackName = ""
    stack: str | None = None
    position: Position = 1
    enabled: bool = True
    locked: bool = False
    metadata: Metadata = Metadata()


def present(call: Call, buildpack: Buildpack) -> Json:
    """Return a buildpack as the API shows it."""
    path = f"/v3/buildpacks/{buildpack.guid}"
    return {
        **header(buildpack),
        "name": buildpack.name,
        "stack": buildpack.stack,
        "state": "READY" if buildpack.filename else "AWAITING_UPLOAD",
        "lifecycle": "buildpack",
        "filename": buildpack.filename,
        "position": buildpack.position,
        "enabled": buildpack.enabled,
        "locked": buildpack.locked,
        "metadata": buildpack.metadata,
        "links": links(call.api, {"self": path, "upload": f"POST {path}/upload"}),
    }


def index(call: Call) -> Response:
    """GET /v3/buildpacks, by position."""
    filters = {"names": "name", "stacks": "stack"}
    return listing(call, Buildpack, present, filters=filters, order="position")


def show(call: Call) -> Response:
    """GET /v3/buildpacks/{guid}."""
    return call.json(present(call, call.need(Buildpack)))


def create(call: Call) -> Response:
    """POST /v3/buildpacks."""
    body = call.read(Create)
    wished = Buildpack(
        name=body.name,
        stack=body.stack,
        position=body.position,
        enabled=body.enabled,
        locked=body.locked,
        metadata=merged(no_metadata(), body.metadata.model_dump()),
    )
    return call.json(present(call, buildpacks.create(call.db, wished)), 201)


def update(call: Call) -> Response:
    """PATCH /v3/buildpacks/{guid}."""
    buildpack, body = call.need(Buildpack), call.read(Update)
    changes = body.changes("name", "stack", "position", "enabled", "locked")
    changes["metadata"] = merged(buildpack.metadata, body.metadata.model_dump())
    return call.json(present(call, buildpacks.change(call.db, buildpack, changes)))


def delete(call: Call) -> Response:
    """DELETE /v3/buildpacks/{guid}."""
    buildpack = call.need(Buildpack)
    buildpacks.delete(call.db, buildpack)
    return jobs.accepted(call, "buildpack.delete", "buildpacks", buildpack.guid)


async def upload(request: Request) -> Response:
    """POST /v3/buildpacks/{guid}/upload: simple faults at once, those of the contents in the job."""
    world: World = request.app.state.world
    buildpack = await within(request, lambda call: call.need(Buildpack))
    if buildpack.locked:
        raise errors.unprocessable("Buildpack is locked")
    growing = world.blobs.upload(new_guid())
    try:
        content_type = request.headers.get("content-type", "")
        received = await receive(content_type, request.stream(), growing, world.settings.upload_limit)
        await asyncio.to_thread(_check_file, received)
        failure = await _accept(request, buildpack, received)
    finally:
        remove([growing])
    return await within(request, lambda call: _answer(call, buildpack.guid, failure))


def _check_file(received: Upload) -> None:
    if received.filename is None:
        raise errors.unprocessable("A buildpack zip file must be uploaded as 'bits'")
    if not received.size:
        raise errors.unprocessable(f"{received.filename} cannot be empty")
    if not received.filename.endswith(".zip") or not zipfile.is_zipfile(received.path):
        raise errors.unprocessable(
            f"Uploaded buildpack file is invalid: {received.filename} is not a zip file. "
            'Buildpacks of lifecycle "buildpack" must be valid zip files.'
        )


async def _accept(request: Request, buildpack: Buildpack, received: Upload) -> errors.ApiError | None:
    try:
        stack = await asyncio.to_thread(buildpacks.stack_in_zip, received.path)
        await within(request, lambda call: _keep(call, buildpack.guid, stack, received))
    except errors.ApiError as failure:
        return failure
    return None


def _keep(call: Call, guid: str, stack: str | None, received: Upload) -> None:
    name = str(received.filename)
    buildpack = call.db.need(Buildpack, guid)
    changed = buildpacks.accept_bits(call.db, buildpack, stack, name, received.sha256)
    keep(call.db, received.path, call.world.blobs.buildpack(str(changed.key)))


def _answer(call: Call, guid: str, failure: errors.ApiError | None) -> Response:
    buildpack = call.need(Buildpack)
    accepted = jobs.accepted(call, "buildpack.upload", "buildpacks", guid, failure)
    return JSONResponse(present(call, buildpack), 202, {"Location": accepted.headers["Location"]})
