"""What the rows of all resources have in common."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


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
