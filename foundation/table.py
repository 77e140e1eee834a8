"""The router's table: which routes there are, and the running instances that each leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foundation.model.routing import Backend, Route
from foundation.model.running import InstanceStatus, Runner
from foundation.rows.apps import Process
from foundation.rows.routes import Destination
from foundation.rows.routes import Route as RouteRow
from foundation.rules import routes
from foundation.store import Db


@dataclass(frozen=True, kw_only=True)
class Target:
    """A process, and the port on which a route reaches it."""

    app_guid: str
    process_guid: str
    process_type: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Address:
    """A route as the store knows it."""

    host: str
    path: str
    targets: Sequence[Target]


def addresses(db: Db) -> list[Address]:
    """Return every route."""
    found = []
    for route in db.find(RouteRow):
        host, slash, path = routes.url(db, route).partition("/")
        targets = [
            target
            for destination in db.find(Destination, route_guid=route.guid)
            if (target := _target(db, destination))
        ]
        found.append(Address(host=host, path=slash + path, targets=targets))
    return found


def _target(db: Db, destination: Destination) -> Target | None:
    process = db.first(Process, app_guid=destination.app_guid, type=destination.process_type)
    if process is None:
        return None
    return Target(
        app_guid=process.app_guid,
        process_guid=process.guid,
        process_type=process.type,
        port=destination.port,
    )


def filled(known: Sequence[Address], runner: Runner, staying: Mapping[str, int]) -> list[Route]:
    """Return the table: each route with the instances that run now.

    Of a process in `staying`, only so many, the first ones: the others are about to be stopped.
    """
    return [
        Route(
            host=address.host,
            path=address.path,
            backends=[
                _backend(target, instance)
                for target in address.targets
                for instance in runner.instances(target.process_guid)
                if instance.state == "RUNNING" and instance.address
                if instance.index < staying.get(target.process_guid, instance.index + 1)
            ],
        )
        for address in known
    ]


def _backend(target: Target, instance: InstanceStatus) -> Backend:
    return Backend(
        address=f"{instance.address}:{target.port}",
        app_guid=target.app_guid,
        process_guid=target.process_guid,
        process_type=target.process_type,
        index=instance.index,
        instance_guid=instance.guid,
    )
