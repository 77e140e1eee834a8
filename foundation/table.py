"""The router's table: which routes there are, and the running instances that each leads to."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.model.routing import Route
from foundation.model.running import Runner
from foundation.rows.apps import Process
from foundation.rows.routes import Destination
from foundation.rows.routes import Route as RouteRow
from foundation.rules import routes
from foundation.store import Db


@dataclass(frozen=True, kw_only=True)
class Address:
    """A route as the store knows it: which processes it leads to, and on which port."""

    host: str
    path: str
    targets: list[tuple[str, int]]


def addresses(db: Db) -> list[Address]:
    """Return every route."""
    found = []
    for route in db.find(RouteRow):
        host, slash, path = routes.url(db, route).partition("/")
        targets = []
        for destination in db.find(Destination, route_guid=route.guid):
            process = db.first(Process, app_guid=destination.app_guid, type=destination.process_type)
            if process:
                targets.append((process.guid, destination.port))
        found.append(Address(host=host, path=slash + path, targets=targets))
    return found


def filled(known: Sequence[Address], runner: Runner) -> list[Route]:
    """Return the table: each route with the instances that run now."""
    return [
        Route(host=address.host, path=address.path, backends=_backends(address, runner)) for address in known
    ]


def _backends(address: Address, runner: Runner) -> list[str]:
    return [
        f"{instance.address}:{port}"
        for process_guid, port in address.targets
        for instance in runner.instances(process_guid)
        if instance.state == "RUNNING" and instance.address
    ]
