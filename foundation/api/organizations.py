"""/v3/organizations and their quota."""

from starlette.responses import Response

from foundation.api.bodies import Body, Metadata, Name
from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.errors import unprocessable
from foundation.present import Json, header, links, merged, related
from foundation.rows.base import no_metadata
from foundation.rows.tenants import Organization, Quota


class Create(Body):
    """POST."""

    name: Name
    suspended: bool = False
    metadata: Metadata = Metadata()


def present(call: Call, organization: Organization) -> Json:
    """Return an organization as the API shows it."""
    path = f"/v3/organizations/{organization.guid}"
    quota = call.db.find(Quota)[0].guid
    return {
        **header(organization),
        "name": organization.name,
        "suspended": organization.suspended,
        "relationships": {"quota": related(quota)},
        "metadata": organization.metadata,
        "links": links(
            call.api,
            {"self": path, "domains": f"{path}/domains", "quota": f"/v3/organization_quotas/{quota}"},
        ),
    }


def index(call: Call) -> Response:
    """GET /v3/organizations."""
    return listing(call, Organization, present, filters={"names": "name"})


def show(call: Call) -> Response:
    """GET /v3/organizations/{guid}."""
    return call.json(present(call, call.need(Organization)))


def create(call: Call) -> Response:
    """POST /v3/organizations."""
    body = call.read(Create)
    if call.db.first(Organization, name=body.name):
        raise unprocessable(f"Organization '{body.name}' already exists.")
    metadata = merged(no_metadata(), body.metadata.model_dump())
    organization = Organization(name=body.name, suspended=body.suspended, metadata=metadata)
    return call.json(present(call, call.db.insert(organization)), 201)


def quotas(call: Call) -> Response:
    """GET /v3/organization_quotas."""
    return listing(call, Quota, present_quota, filters={"names": "name"})


def quota(call: Call) -> Response:
    """GET /v3/organization_quotas/{guid}."""
    return call.json(present_quota(call, call.need(Quota)))


def present_quota(call: Call, found: Quota) -> Json:
    """Return the quota as the API shows it: nothing is limited."""
    apps = ("total_memory_in_mb", "per_process_memory_in_mb", "total_instances", "per_app_tasks")
    services = {"paid_services_allowed": True, "total_service_instances": None, "total_service_keys": None}
    organizations = [{"guid": organization.guid} for organization in call.db.find(Organization)]
    return {
        **header(found),
        "name": found.name,
        "apps": dict.fromkeys((*apps, "log_rate_limit_in_bytes_per_second")),
        "services": services,
        "routes": {"total_routes": None, "total_reserved_ports": None},
        "domains": {"total_domains": None},
        "relationships": {"organizations": {"data": organizations}},
        "links": links(call.api, {"self": f"/v3/organization_quotas/{found.guid}"}),
    }
