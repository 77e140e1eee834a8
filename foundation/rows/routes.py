"""How apps are reached: domains, routes, and where these lead to."""

from dataclasses import dataclass

from foundation.model.running import DEFAULT_PORT
from foundation.rows.base import Row


@dataclass(frozen=True, kw_only=True)
class Domain(Row):
    """A shared domain."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Route(Row):
    """A host and a path of a domain."""

    space_guid: str
    domain_guid: str
    host: str
    path: str = ""


@dataclass(frozen=True, kw_only=True)
class Destination(Row):
    """Where a route leads to."""

    route_guid: str
    app_guid: str
    process_type: str = "web"
    port: int = DEFAULT_PORT
