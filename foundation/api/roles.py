"""/v3/roles: kept, but never asked, as the one user is an admin."""

from typing import Literal

from starlette.responses import Response

from foundation.api.bodies import Body, ToOne
from foundation.api.call import Call
from foundation.errors import unprocessable
from foundation.present import Json, header, related
from foundation.rows.tenants import Organization, Role, Space, User


class UserName(Body):
    """A user by guid, or by name and origin."""

    guid: str | None = None
    username: str | None = None
    origin: str | None = None


class ToUser(Body):
    """A relationship to a user."""

    data: UserName


class OfRole(Body):
    """The relationships of a role."""

    user: ToUser
    organization: ToOne | None = None
    space: ToOne | None = None


class Create(Body):
    """POST /v3/roles."""

    type: Literal[
        "organization_user",
        "organization_manager",
        "organization_auditor",
        "organization_billing_manager",
        "space_manager",
        "space_developer",
        "space_auditor",
        "space_supporter",
    ]
    relationships: OfRole


def create(call: Call) -> Response:
    """POST /v3/roles."""
    body = call.read(Create)
    user = _user(call, body.relationships.user.data)
    of_space = body.type.startswith("space_")
    space = _target(call, Space, body.relationships.space) if of_space else None
    organization = None if of_space else _target(call, Organization, body.relationships.organization)
    role = Role(type=body.type, user_guid=user.guid, organization_guid=organization, space_guid=space)
    fields = {name: getattr(role, name) for name in ("type", "user_guid", "organization_guid", "space_guid")}
    if call.db.first(Role, **fields):
        raise unprocessable(f"User '{user.name}' already has '{role.type}' role.")
    return call.json(present(call, call.db.insert(role)), 201)


def present(_call: Call, role: Role) -> Json:
    """Return a role as the API shows it."""
    return {
        **header(role),
        "type": role.type,
        "relationships": {
            "user": related(role.user_guid),
            "organization": related(role.organization_guid),
            "space": related(role.space_guid),
        },
        "links": {},
    }


def _user(call: Call, wished: UserName) -> User:
    guid, name = wished.guid, wished.username or ""
    user = call.db.get(User, guid) if guid else call.db.first(User, name=name)
    if user is None:
        raise unprocessable(f"No user exists with the username '{wished.username or wished.guid}'.")
    return user


def _target(call: Call, kind: type[Space] | type[Organization], relation: ToOne | None) -> str:
    if relation is None or call.db.get(kind, relation.data.guid) is None:
        what = kind.__name__.lower()
        raise unprocessable(f"Invalid {what}. Ensure that the {what} exists and that you have access to it.")
    return relation.data.guid
