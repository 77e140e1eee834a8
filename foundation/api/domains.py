"""/v3/domains: the shared domains."""

from starlette.responses import Response

from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.present import Json, header, links, related
from foundation.rows.routes import Domain
from foundation.rows.tenants import Organization
from foundation.rules import routes


def present(call: Call, domain: Domain) -> Json:
    """Return a domain as the API shows it."""
    return {
        **header(domain),
        "name": domain.name,
        "internal": False,
        "router_group": None,
        "supported_protocols": ["http"],
        "relationships": {"organization": related(None), "shared_organizations": {"data": []}},
        "metadata": domain.metadata,
        "links": links(call.api, {"self": f"/v3/domains/{domain.guid}"}),
    }


def index(call: Call) -> Response:
    """GET /v3/domains."""
    return listing(call, Domain, present, filters={"names": "name"})


def show(call: Call) -> Response:
    """GET /v3/domains/{guid}."""
    return call.json(present(call, call.need(Domain)))


def of_organization(call: Call) -> Response:
    """GET /v3/organizations/{guid}/domains: every domain is shared with every organization."""
    call.need(Organization)
    return index(call)


def default(call: Call) -> Response:
    """GET /v3/organizations/{guid}/domains/default."""
    call.need(Organization)
    return call.json(present(call, routes.default_domain(call.db)))
