"""Deletions that take other resources along: an app, a space, an organization."""

import asyncio

from starlette.responses import Response

from foundation.api import jobs
from foundation.api.call import Call
from foundation.blobs import remove
from foundation.rows.apps import App
from foundation.rows.routes import Route
from foundation.rows.tenants import Organization, Role, Space
from foundation.rows.work import Build, Droplet, Package
from foundation.rules import apps, routes


def app(call: Call) -> Response:
    """DELETE /v3/apps/{guid}: with its processes, packages, builds, droplets and logs; routes stay."""
    found = call.need(App)
    _forget_app(call, found)
    return jobs.accepted(call, "app.delete", "apps", found.guid)


def space(call: Call) -> Response:
    """DELETE /v3/spaces/{guid}: with its apps, routes and roles."""
    found = call.need(Space)
    _forget_space(call, found)
    return jobs.accepted(call, "space.delete", "spaces", found.guid)


def organization(call: Call) -> Response:
    """DELETE /v3/organizations/{guid}: with its spaces, all that is in them, and its roles."""
    found = call.need(Organization)
    for each in call.db.find(Space, organization_guid=found.guid):
        _forget_space(call, each)
    call.db.delete(*call.db.find(Role, organization_guid=found.guid), found)
    return jobs.accepted(call, "organization.delete", "organizations", found.guid)


def _forget_space(call: Call, found: Space) -> None:
    for each in call.db.find(App, space_guid=found.guid):
        _forget_app(call, each)
    routes.delete(call.db, *call.db.find(Route, space_guid=found.guid))
    call.afterwards(call.world.desired.route)
    call.db.delete(*call.db.find(Role, space_guid=found.guid), found)


def _forget_app(call: Call, found: App) -> None:
    world = call.world
    builds = call.db.find(Build, app_guid=found.guid, state="STAGING")
    gone = apps.delete(call.db, found)

    def clear_up() -> None:
        for build in builds:
            world.staging.cancel(build.guid)
        remove(world.blobs.of_app(found.guid, gone[Package], gone[Droplet]))

    async def clear() -> None:
        await world.desired.converge(found.guid)
        await asyncio.to_thread(clear_up)

    call.afterwards(clear)
