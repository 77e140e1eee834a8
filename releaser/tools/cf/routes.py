"""An app's routes, and requests to the app through them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from releaser.errors import FoundationError
from releaser.tools.cf.session import (
    Session,
    Space,
    explained,
    info,
    is_here,
    proxies,
    request,
    wait_for,
    wait_for_job,
)

ANSWER_S = 30.0
ROUTER_S = 30.0  # how long the router may need to learn a new route


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an app answered."""

    status: int
    body: str


def routes(session: Session, app_guid: str) -> list[Mapping[str, Any]]:
    """Return the routes that lead to an app."""
    with explained("list the app's routes"):
        return list(session.client.v3.apps.list_routes(app_guid))


def create_route(
    session: Session, space: Space, domain: Mapping[str, Any], host: str, labels: Mapping[str, str]
) -> str:
    """Make a route that leads nowhere yet, and return it as a manifest names it."""
    relations = {"space": {"data": {"guid": space.guid}}, "domain": {"data": {"guid": domain["guid"]}}}
    body = {"host": host, "relationships": relations, "metadata": {"labels": dict(labels)}}
    request(session, "post", "/v3/routes", what=f"create the route {host}", json=body)
    return f"{host}.{domain['name']}"


def urls(session: Session, app_guid: str) -> list[str]:
    """Return the URLs of an app; the API says no scheme and no port.

    The local foundation's router says both in /v3/info; elsewhere apps answer where the API's scheme does.
    """
    router = info(session).router
    base = urlsplit(router or session.api)
    port = f":{base.port}" if router and base.port else ""
    found = []
    for route in routes(session, app_guid):
        host, slash, path = route["url"].partition("/")
        found.append(f"{base.scheme}://{host}{port}{slash}{path}")
    return found


def delete_route(session: Session, route_guid: str) -> None:
    """Delete a route, whatever it leads to."""
    with explained("delete a route"):
        job = session.client.v3.routes.remove(route_guid)
    wait_for_job(session, job, what="delete a route")


def visit(session: Session, url: str, *, limit: float = ROUTER_S) -> Answer:
    """GET a URL of an app, again while the router does not know it yet; raises FoundationError."""
    last: list[str] = []

    def look() -> Answer | None:
        response = _get(session, url)
        if response.status_code in (502, 503, 504) or "X-Cf-Routererror" in response.headers:
            last[:] = [f"HTTP {response.status_code} {response.text.strip()[:200]}"]
            return None
        return Answer(status=response.status_code, body=response.text)

    try:
        return wait_for(look, limit=limit, what=f"the router's way to {url}")
    except FoundationError as error:
        if not last:
            raise
        raise FoundationError(f"{error.message}; its last answer was: {last[0]}", error.remedy) from None


def _get(session: Session, url: str) -> requests.Response:
    """Send the request; names below .localhost mean this machine, also where no resolver knows them."""
    target, headers, parts = url, {}, urlsplit(url)
    if is_here(url) and parts.scheme == "http":
        target = urlunsplit(parts._replace(netloc=f"127.0.0.1:{parts.port or 80}"))
        headers["Host"] = parts.netloc
    with explained(f"ask {url}"), requests.Session() as http:
        http.trust_env = False
        http.verify = session.transport.verify
        http.proxies.update(proxies(url))
        return http.get(target, headers=headers, timeout=ANSWER_S, allow_redirects=False)
