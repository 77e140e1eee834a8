"""What apps are staged on and with, what comes of that work, and jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.rows.base import Row


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
class Package(Row):
    """The uploaded files of an app."""

    app_guid: str
    state: str = "AWAITING_UPLOAD"
    sha256: str | None = None
    error: str | None = None


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
class Job(Row):
    """A finished piece of work that the API answers as if it were asynchronous."""

    operation: str
    link: str  # the plural name of the resource
    resource_guid: str
    errors: Sequence[Mapping[str, Any]] = ()
