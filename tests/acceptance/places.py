"""Where apps go: the organization and space that are given, or ones that the run makes for itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaser.tools import cf
from tests.acceptance.tenancy import Mark


@dataclass(frozen=True, kw_only=True)
class Given:
    """What sidecar.yml names, and the foundation has; the run neither makes nor deletes it."""

    organization: str | None
    organization_guid: str | None
    space: cf.Space | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A space to push to, the domain of its routes, and whose it is, in words."""

    space: cf.Space
    domain: Mapping[str, Any]
    words: str


def find_given(session: cf.Session, target: Mapping[str, Any]) -> Given:
    """Return what is given; raises FoundationError where it is not there."""
    organization, space = target.get("organization"), target.get("space")
    if not organization:
        return Given(organization=None, organization_guid=None, space=None)
    guid = cf.find_organization(session, organization)
    found = cf.find_space(session, space, organization, guid) if space else None
    return Given(organization=organization, organization_guid=guid, space=found)


def place(session: cf.Session, given: Given, mark: Mark) -> Place:
    """Return the given space, or a new one, where no organization is given in a new one of these as well."""
    name, guid = given.organization, given.organization_guid
    words = "the given space" if given.space else "a space of this run's own"
    if name is None or guid is None:
        name, guid = mark.name, cf.create_organization(session, mark.name, mark.labels)
        words = "an organization of this run's own"
    space = given.space or cf.create_space(session, mark.name, name, guid, mark.labels)
    return Place(space=space, domain=cf.default_domain(session, guid), words=words)
