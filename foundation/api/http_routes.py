"""/v3/routes: where requests from outside go (the table of our own endpoints is endpoints.py)."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from foundation.api import jobs
from foundation.api.bodies import Body, Guid, Metadata, ToOne
from foundation.api.call import Call
from foundation.api.listing import Filter, Values, listing
from foundation.errors import not_found, unprocessable
from foundation.model.running import DEFAULT_PORT
from foundation.present import Json, header, links, merged, related
from foundation.rows.apps import App
from foundation.rows.base import no_metadata
from foundation.rows.routes import Destination, Domain, Route
from foundation.rows.tenants import Space
from foundation.rules import routes
from foundation.store import Condition, Db


class OfRoute(Body):
    """The relationships of a route."""

    space: ToOne
    domain: ToOne


class Create(Body):
    """POST."""

    host: str = ""
    path: str = ""
    relationships: OfRoute
    metadata: Metadata = Metadata()


class ProcessType(Body):
    """Which process of an app."""

    type: str = "web"


class ToApp(Guid):
    """The app of a destination."""

    process: ProcessType | None = None


class Target(Body):
    """A destination to add; requests are passed on as HTTP/1."""

    app: ToApp
    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Targets(Body):
    """POST destinations."""

    destinations: list[Target]


def present(call: Call, route: Route) -> Json:
    """Return a route as the API shows it."""
    path = f"/v3/routes/{route.guid}"
    return {
        **header(route),
        "protocol": "http",
        "host": route.host,
        "path": route.path,
        "port": None,
        "url": routes.url(call.db, route),
        "destinations": _destinations(call, route),
        "options": {},
        "metadata": route.metadata,
        "relationships": {"space": related(route.space_guid), "domain": related(route.domain_guid)},
        "links": links(
            call.api,
            {
                "self": path,
                "space": f"/v3/spaces/{route.space_guid}",
                "destinations": f"{path}/destinations",
                "domain": f"/v3/domains/{route.domain_guid}",
            },
        ),
    }


def index(call: Call) -> Response:
    """GET /v3/routes; an empty host or path means none, not any."""
    filters: dict[str, Filter] = {
        "hosts": lambda _db, values: ("host", [value or "" for value in values]),
        "paths": lambda _db, values: ("path", [value or "" for value in values]),
        "domain_guids": "domain_guid",
        "space_guids": "space_guid",
        "app_guids": _of_apps,
    }
    return listing(call, Route, present, filters=filters)


def of_app(call: Call) -> Response:
    """GET /v3/apps/{guid}/routes."""
    return listing(call, Route, present, where=[_of_apps(call.db, [call.need(App).guid])])


def show(call: Call) -> Response:
    """GET /v3/routes/{guid}."""
    return call.json(present(call, call.need(Route)))


def create(call: Call) -> Response:
    """POST /v3/routes."""
    body = call.read(Create)
    space = call.db.get(Space, body.relationships.space.data.guid)
    domain = call.db.get(Domain, body.relationships.domain.data.guid)
    if space is None:
        raise unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
    if domain is None:
        raise unprocessable("Invalid domain. Ensure that the domain exists and you have access to it.")
    route = routes.create(call.db, space, domain, body.host, body.path)
    route = call.db.change(route, metadata=merged(no_metadata(), body.metadata.model_dump()))
    return call.json(present(call, route), 201)


def delete(call: Call) -> Response:
    """DELETE /v3/routes/{guid}."""
    route = call.need(Route)
    routes.delete(call.db, route)
    call.afterwards(call.world.desired.route)
    return jobs.accepted(call, "route.delete", "routes", route.guid)


def show_destinations(call: Call) -> Response:
    """GET /v3/routes/{guid}/destinations."""
    return call.json(_present_destinations(call, call.need(Route)))


def add_destinations(call: Call) -> Response:
    """POST /v3/routes/{guid}/destinations."""
    route, body = call.need(Route), call.read(Targets)
    for target in body.destinations:
        app = call.db.get(App, target.app.guid)
        if app is None:
            raise unprocessable(
                f'App(s) with guid(s) "{target.app.guid}" do not exist or you do not have access.'
            )
        process = target.app.process or ProcessType()
        routes.lead(call.db, route, app, process.type, target.port or DEFAULT_PORT)
    call.afterwards(call.world.desired.route)
    return call.json(_present_destinations(call, route))


def delete_destination(call: Call) -> Response:
    """DELETE /v3/routes/{guid}/destinations/{destination_guid}."""
    route = call.need(Route)
    destination = call.db.get(Destination, call.request.path_params["destination_guid"])
    if destination is None or destination.route_guid != route.guid:
        raise not_found("Destination")
    call.db.delete(destination)
    call.afterwards(call.world.desired.route)
    return Response(status_code=204)


def _destinations(call: Call, route: Route) -> list[Json]:
    return [
        {
            **header(destination),
            "app": {"guid": destination.app_guid, "process": {"type": destination.process_type}},
            "weight": None,
            "port": destination.port,
            "protocol": "http1",
        }
        for destination in call.db.find(Destination, route_guid=route.guid)
    ]


def _present_destinations(call: Call, route: Route) -> Json:
    path = f"/v3/routes/{route.guid}"
    paths = {"self": f"{path}/destinations", "route": path}
    return {"destinations": _destinations(call, route), "links": links(call.api, paths)}


def _of_apps(db: Db, values: Values) -> Condition:
    found = db.select(Destination, [("app_guid", values)])
    return "guid", [destination.route_guid for destination in found]
