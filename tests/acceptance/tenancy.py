"""Whose things are whose: the mark on all that a run makes, and the removal of what bears it, alone.

A thing is ours only where name and labels agree: its name begins with the buildpack's prefix and the run's
number, its label names the same run, and another label says until when it is needed. Whatever lacks one of
these belongs to somebody else.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from releaser.errors import FoundationError
from releaser.tools import cf

RUN, EXPIRES = "release-train.sidecar/run", "release-train.sidecar/expires"
FORM = "%Y%m%dT%H%M%SZ"  # ISO 8601 without the colons, which no label may hold
NUMBER = re.compile(r"[0-9a-f]{8}")
SHORT = 30  # characters of the buildpack's name in host names, which have 63
PAGE = "200"

Row = Mapping[str, Any]
Test = Callable[[Row], bool]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What every name of a run begins with, and the labels of all that it makes."""

    prefix: str
    run: str
    expires: datetime

    @property
    def name(self) -> str:
        """The start of every name, and the whole name of the run's own organization and space."""
        return f"{self.prefix}{self.run}"

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of everything that the run makes."""
        return {RUN: self.run, EXPIRES: self.expires.strftime(FORM)}

    def made(self, row: Row) -> bool:
        """Say whether this run made the thing."""
        return _expiry(row, self.prefix) is not None and _labels(row)[RUN] == self.run

    def left(self, row: Row) -> bool:
        """Say whether another run of this buildpack made the thing, however long ago."""
        return _expiry(row, self.prefix) is not None and not self.made(row)

    def expired(self, now: datetime) -> Test:
        """Return what says whether another run made the thing and no longer needs it."""

        def test(row: Row) -> bool:
            expiry = _expiry(row, self.prefix)
            return expiry is not None and expiry < now and not self.made(row)

        return test


def mark(name: str, now: datetime, minutes: int) -> Mark:
    """Return the mark of a new run of a buildpack's acceptance."""
    prefix = f"{name[:SHORT]}-acceptance-"
    return Mark(prefix=prefix, run=secrets.token_hex(4), expires=now + timedelta(minutes=minutes))


def _labels(row: Row) -> Mapping[str, str]:
    return (row.get("metadata") or {}).get("labels") or {}


def _expiry(row: Row, prefix: str) -> datetime | None:
    """Return until when a thing of ours is needed, None for things of others."""
    labels = _labels(row)
    run, name = labels.get(RUN) or "", str(row.get("name") or row.get("host") or "")
    if not NUMBER.fullmatch(run) or not re.match(re.escape(prefix + run) + r"(?:-|\Z)", name):
        return None
    try:
        return datetime.strptime(labels.get(EXPIRES) or "", FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where this run may have things: a given space, a given organization, or everywhere it may look."""

    session: cf.Session
    space_guid: str | None
    organization_guid: str | None
    buildpacks: bool  # whether the user may have made any


def remove(where: Where, ours: Test) -> list[str]:
    """Delete what is ours of all kinds; return a sentence for each thing that could not be deleted."""
    failures: list[str] = []
    for path, filters in _kinds(where):
        for row in _found(where.session, path, filters, ours, failures):
            name = row.get("name") or row.get("host")
            try:
                cf.delete(where.session, f"{path}/{row['guid']}", what=f"delete {path[4:]} {name}")
            except FoundationError as error:
                failures.append(error.message)
    return failures


def _kinds(where: Where) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the collections to look through: what contains others comes last."""
    if where.space_guid:
        yield "/v3/apps", {"space_guids": where.space_guid}
        yield "/v3/routes", {"space_guids": where.space_guid}
    if where.buildpacks:
        yield "/v3/buildpacks", {}
    if where.organization_guid:
        yield "/v3/spaces", {"organization_guids": where.organization_guid}
    yield "/v3/organizations", {}


def _found(
    session: cf.Session, path: str, filters: Mapping[str, str], ours: Test, failures: list[str]
) -> list[Row]:
    try:
        rows = cf.resources(session, path, what=f"list {path[4:]}", per_page=PAGE, **filters)
    except FoundationError as error:
        failures.append(error.message)
        return []
    return [row for row in rows if ours(row)]
