"""The rows that the store keeps, one frozen dataclass for each v3 resource.

They are in one file because together they are the schema. A class is named as the API names the resource:
`App not found` is made from it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal


def new_guid() -> str:
    """Return a new guid."""
    return str(uuid.uuid4())


def now() -> str:
    """Return the current time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def no_metadata() -> Mapping[str, Mapping[str, str]]:
    """Return the metadata of a resource that has none."""
    return {"labels": {}, "annotations": {}}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every resource has."""

    guid: str = field(default_factory=new_guid)
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=no_metadata)


@dataclass(frozen=True, kw_only=True)
class User(Row):
    """Somebody, or some client, that roles are given to."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Quota(Row):
    """The organization quota; there is one and it limits nothing."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Organization(Row):
    """An organization."""

    name: str
    suspended: bool = False


@dataclass(frozen=True, kw_only=True)
class Space(Row):
    """A space."""

    name: str
    organization_guid: str


@dataclass(frozen=True, kw_only=True)
class Role(Row):
    """A role of a user in a space or in an organization."""

    type: str
    user_guid: str
    organization_guid: str | None
    space_guid: str | None


@dataclass(frozen=True, kw_only=True)
class Domain(Row):
    """A shared domain."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Stack(Row):
    """A root file system."""

    name: str
    description: str
    default: bool


@dataclass(frozen=True, kw_only=True)
class Buildpack(Row):
    """An admin buildpack; `key` names its bits, is None before the first upload and changes with the bits."""

    name: str
    stack: str | None
    position: int
    enabled: bool = True
    locked: bool = False
    filename: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class App(Row):
    """An app; its state is the desired one."""

    name: str
    space_guid: str
    stack: str
    buildpacks: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    state: str = "STOPPED"
    droplet_guid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Process(Row):
    """A process type of an app. Times are seconds; None is the platform's default."""

    app_guid: str
    type: str
    command: str | None = None
    instances: int
    memory_mb: int = 1024
    disk_mb: int = 1024
    log_rate: int = -1  # bytes a second, shown and not enforced
    health_type: Literal["port", "http", "process"]
    health_endpoint: str = "/"
    health_timeout: int | None = None
    health_invocation_timeout: int | None = None
    health_interval: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sidecar(Row):
    """A sidecar; `origin` is user or buildpack."""

    app_guid: str
    name: str
    command: str
    process_types: Sequence[str]
    memory_mb: int | None = None
    origin: str = "user"


@dataclass(frozen=True, kw_only=True)
class Package(Row):
    """The uploaded files of an app."""

    app_guid: str
    state: str = "AWAITING_UPLOAD"
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Build(Row):
    """A staging of a package."""

    app_guid: str
    package_guid: str
    buildpacks: Sequence[str]
    stack: str
    created_by: str
    state: str = "STAGING"
    error: str | None = None
    droplet_guid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Droplet(Row):
    """A staged app; `sidecars` are the buildpacks' own and are not shown."""

    app_guid: str
    package_guid: str
    sha256: str
    stack: str
    buildpacks: Sequence[Mapping[str, Any]]
    process_types: Mapping[str, str]
    sidecars: Sequence[Mapping[str, Any]]
    state: str = "STAGED"


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
    port: int = 8080


@dataclass(frozen=True, kw_only=True)
class Job(Row):
    """A finished piece of work that the API answers as if it were asynchronous."""

    operation: str
    link: str  # the plural name of the resource
    resource_guid: str
    errors: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Started(Row):
    """A process as it was when its app was last started; the guid is the process's.

    Changes to an app take effect at its next start, so what runs must be kept apart from what is wished for.
    """

    app_guid: str
    spec: Mapping[str, Any]
