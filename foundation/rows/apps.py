"""Apps and what is wished for of each: processes and sidecars; and what was started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from foundation.rows.base import Row


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
class Started(Row):
    """A process as it was when its app was last started; the guid is the process's.

    Changes to an app take effect at its next start, so what runs must be kept apart from what is wished for.
    """

    app_guid: str
    spec: Mapping[str, Any]
