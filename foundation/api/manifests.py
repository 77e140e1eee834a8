"""/v3/spaces/{guid}/manifest_diff and /actions/apply_manifest."""

import asyncio
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from foundation import errors, manifest, manifest_diff, manifest_yaml
from foundation.api import jobs
from foundation.api.call import Call, read_body, within
from foundation.manifest import AppPart
from foundation.rows.tenants import Space
from foundation.rules import manifests

MANIFEST_LIMIT = 1 << 20  # bytes


async def diff(request: Request) -> Response:
    """POST manifest_diff."""
    applications = await _load(request)

    def answer(call: Call) -> Response:
        return call.json({"diff": manifest_diff.difference(call.db, call.need(Space), applications)}, 201)

    return await within(request, answer)


async def apply(request: Request) -> Response:
    """POST apply_manifest: the manifest's own faults and missing apps at once, the rest in the job."""
    parts = manifest.read(await _load(request))
    guids = await within(request, lambda call: _create_missing(call, parts))
    failure = None
    for guid, part in zip(guids, parts, strict=True):
        try:
            await within(request, partial(_apply, guid=guid, part=part))
        except errors.ApiError as error:
            failure = error
            break
    space_guid = request.path_params["guid"]
    return await within(
        request,
        lambda call: jobs.accepted(call, "space.apply_manifest", "spaces", space_guid, failure),
    )


async def _load(request: Request) -> list[dict[str, Any]]:
    if "yaml" not in request.headers.get("content-type", ""):
        raise errors.bad_request("Content-Type must be yaml")
    return await asyncio.to_thread(manifest_yaml.load, await read_body(request, MANIFEST_LIMIT))


def _create_missing(call: Call, parts: list[AppPart]) -> list[str]:
    space = call.need(Space)
    return [manifests.create_missing(call.db, space, part).guid for part in parts]


def _apply(call: Call, guid: str, part: AppPart) -> None:
    manifests.apply(call.db, guid, part)
    call.afterwards(lambda: call.world.desired.converge(guid))
