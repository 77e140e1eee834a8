"""Rules of routes: host and path of a domain, where they lead to, and how a URL is read.

Source of the rules: cloud_controller's route_create.rb, manifest_route.rb, manifest_route_update.rb.
"""

import re

from foundation.errors import unprocessable
from foundation.model.running import DEFAULT_PORT
from foundation.rows.apps import App
from foundation.rows.routes import Destination, Domain, Route
from foundation.rows.tenants import Space
from foundation.store import Db

HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
PATH = re.compile(r"(?:/[^/?#\s][^?#\s]*)?")


def default_domain(db: Db) -> Domain:
    """Return the domain that default routes belong to."""
    return db.find(Domain)[0]


def create(db: Db, space: Space, domain: Domain, host: str, path: str) -> Route:
    """Keep a new route; hosts are lower-case."""
    if not HOST.fullmatch(host):
        raise unprocessable(
            "Host must be 1 to 63 letters, digits, underscores and inner hyphens: "
            "the local foundation has shared domains only, whose routes need one"
        )
    if not PATH.fullmatch(path) or len(path) > 128:
        raise unprocessable("Path must start with '/', hold no '?' and be at most 128 characters long")
    host = host.lower()
    if db.first(Route, domain_guid=domain.guid, host=host, path=path):
        with_path = f" and path '{path}'" if path else ""
        raise unprocessable(f"Route already exists with host '{host}'{with_path} for domain '{domain.name}'.")
    return db.insert(Route(space_guid=space.guid, domain_guid=domain.guid, host=host, path=path))


def url(db: Db, route: Route) -> str:
    """Return the route as people write it."""
    return f"{route.host}.{db.need(Domain, route.domain_guid).name}{route.path}"


def of_app(db: Db, app_guid: str) -> list[Route]:
    """Return the routes that lead to an app."""
    guids = {destination.route_guid for destination in db.find(Destination, app_guid=app_guid)}
    return [route for route in db.find(Route) if route.guid in guids]


def lead(db: Db, route: Route, app: App, process_type: str = "web", port: int = DEFAULT_PORT) -> None:
    """Let a route lead to an app's process as well."""
    if app.space_guid != route.space_guid:
        raise unprocessable("Routes cannot be mapped to destinations in different spaces")
    wished = Destination(route_guid=route.guid, app_guid=app.guid, process_type=process_type, port=port)
    fields = {name: getattr(wished, name) for name in ("route_guid", "app_guid", "process_type", "port")}
    if db.first(Destination, **fields) is None:
        db.insert(wished)


def ensure(db: Db, space: Space, domain: Domain, host: str, path: str = "") -> Route:
    """Return the route, created where it is missing; one of another space is refused."""
    found = db.first(Route, domain_guid=domain.guid, host=host.lower(), path=path)
    if found is None:
        return create(db, space, domain, host, path)
    if found.space_guid != space.guid:
        raise unprocessable("Routes cannot be mapped to destinations in different spaces")
    return found


def read_url(db: Db, text: str) -> tuple[Domain, str, str]:
    """Return the domain, host and path of a URL without a port, by the longest domain that matches."""
    address = re.sub(r"^https?://", "", text)
    name, slash, rest = address.partition("/")
    for host, domain_name in (("", name), _split(name)):
        domain = db.first(Domain, name=domain_name.lower())
        if domain:
            return domain, host, (slash + rest).rstrip("/")
    raise unprocessable(f"No domains exist for route {text}")


def delete(db: Db, *routes: Route) -> None:
    """Forget routes and where they lead to."""
    for route in routes:
        db.delete(*db.find(Destination, route_guid=route.guid), route)


def _split(name: str) -> tuple[str, str]:
    host, _, domain = name.partition(".")
    return host, domain
