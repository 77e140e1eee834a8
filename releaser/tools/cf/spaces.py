"""Organizations and spaces: finds those that are there, and makes and deletes ones of the user's own."""

from collections.abc import Mapping
from typing import Any

from releaser.errors import FoundationError
from releaser.tools.cf.session import ApiRefusedError, Session, Space, request, resources, wait_for_job

NOT_ALLOWED = (
    "A user who is no admin needs foundation.organization and foundation.space: those that you may use."
)


def find_organization(session: Session, name: str) -> str:
    """Return the guid of an organization that has to be there."""
    found = resources(session, "/v3/organizations", what=f"look for the organization {name}", names=name)
    if not found:
        raise FoundationError(
            f"{session.api} shows no organization {name}",
            "Check foundation.organization, and that the user has a role in it.",
        )
    return str(found[0]["guid"])


def find_space(session: Session, name: str, organization: str, organization_guid: str) -> Space:
    """Return a space that has to be there."""
    filters = {"names": name, "organization_guids": organization_guid}
    found = resources(session, "/v3/spaces", what=f"look for the space {name}", **filters)
    if not found:
        raise FoundationError(
            f"the organization {organization} shows no space {name}",
            "Check foundation.space, and that the user is a developer in it.",
        )
    return Space(guid=found[0]["guid"], name=name, organization=organization)


def create_organization(session: Session, name: str, labels: Mapping[str, str]) -> str:
    """Make an organization, and return its guid."""
    return str(_create(session, "organization", {"name": name, "metadata": {"labels": dict(labels)}})["guid"])


def create_space(
    session: Session, name: str, organization: str, organization_guid: str, labels: Mapping[str, str]
) -> Space:
    """Make a space that the user may push to."""
    relation = {"organization": {"data": {"guid": organization_guid}}}
    body = {"name": name, "relationships": relation, "metadata": {"labels": dict(labels)}}
    space = Space(guid=_create(session, "space", body)["guid"], name=name, organization=organization)
    # Who may make a space may not yet push to it; who is an admin may, and may have no guid here.
    _give_role(session, "organization_user", relation)
    _give_role(session, "space_developer", {"space": {"data": {"guid": space.guid}}})
    return space


def _create(session: Session, kind: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    what = f"create the {kind} {body['name']}"
    try:
        made: Mapping[str, Any] = request(session, "post", f"/v3/{kind}s", what=what, json=body).json()
    except ApiRefusedError as error:
        raise ApiRefusedError(error.message, error.status, NOT_ALLOWED) from None
    return made


def _give_role(session: Session, kind: str, relation: Mapping[str, Any]) -> None:
    user = session.client.user_guid
    if user is None:
        return
    body = {"type": kind, "relationships": {**relation, "user": {"data": {"guid": user}}}}
    try:
        request(session, "post", "/v3/roles", what=f"give the role {kind}", json=body)
    except ApiRefusedError as error:
        if error.status not in (403, 422):  # the user has it, or needs none; a push says if not
            raise


def default_domain(session: Session, organization_guid: str) -> Mapping[str, Any]:
    """Return the domain that an organization's routes get where they name none."""
    path = f"/v3/organizations/{organization_guid}/domains/default"
    domain: Mapping[str, Any] = request(session, "get", path, what="ask for the default domain").json()
    return domain


def delete(session: Session, path: str, *, what: str) -> None:
    """Delete what a path names; what is gone already is fine."""
    try:
        answer = request(session, "delete", path, what=what)
    except ApiRefusedError as error:
        if error.status == 404:
            return
        raise
    wait_for_job(session, answer.headers.get("Location"), what=what)
