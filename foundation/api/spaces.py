"""/v3/spaces."""

from collections.abc import Sequence

from starlette.responses import Response

from foundation.api import organizations
from foundation.api.bodies import Body, Metadata, Name, ToOne
from foundation.api.call import Call
from foundation.api.listing import Include, listing
from foundation.errors import unprocessable
from foundation.present import Json, header, links, merged, related
from foundation.rows.base import no_metadata
from foundation.rows.tenants import Organization, Space


class OfOrganization(Body):
    """The relationships of a space."""

    organization: ToOne


class Create(Body):
    """POST /v3/spaces."""

    name: Name
    relationships: OfOrganization
    metadata: Metadata = Metadata()


def present(call: Call, space: Space) -> Json:
    """Return a space as the API shows it."""
    path = f"/v3/spaces/{space.guid}"
    return {
        **header(space),
        "name": space.name,
        "suspended": False,
        "relationships": {"organization": related(space.organization_guid), "quota": related(None)},
        "metadata": space.metadata,
        "links": links(
            call.api,
            {
                "self": path,
                "organization": f"/v3/organizations/{space.organization_guid}",
                "apply_manifest": f"POST {path}/actions/apply_manifest",
            },
        ),
    }


def with_organization(call: Call, spaces: Sequence[Space]) -> Json:
    """Return the organizations of spaces, for `include`."""
    guids = dict.fromkeys(space.organization_guid for space in spaces)
    found = [call.db.need(Organization, guid) for guid in guids]
    return {"organizations": [organizations.present(call, organization) for organization in found]}


def index(call: Call) -> Response:
    """GET /v3/spaces."""
    filters = {"names": "name", "organization_guids": "organization_guid"}
    include: dict[str, Include[Space]] = {"organization": with_organization}
    return listing(call, Space, present, filters=filters, include=include)


def show(call: Call) -> Response:
    """GET /v3/spaces/{guid}."""
    return call.json(present(call, call.need(Space)))


def create(call: Call) -> Response:
    """POST /v3/spaces."""
    body = call.read(Create)
    guid = body.relationships.organization.data.guid
    if call.db.get(Organization, guid) is None:
        raise unprocessable("Invalid organization. Ensure the organization exists and you have access to it.")
    if call.db.first(Space, name=body.name, organization_guid=guid):
        raise unprocessable("Name must be unique per organization")
    metadata = merged(no_metadata(), body.metadata.model_dump())
    space = call.db.insert(Space(name=body.name, organization_guid=guid, metadata=metadata))
    return call.json(present(call, space), 201)
