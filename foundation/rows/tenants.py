"""Whose apps they are: users and their roles, organizations, spaces."""

from dataclasses import dataclass

from foundation.rows.base import Row


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
