"""/v3/stacks: the label `rootfs` says whether its root file system is official or a stand-in."""

from starlette.responses import Response

from foundation.api.call import Call
from foundation.api.listing import listing
from foundation.present import Json, header, links
from foundation.rows.work import Stack


def present(call: Call, stack: Stack) -> Json:
    """Return a stack as the API shows it."""
    return {
        **header(stack),
        "name": stack.name,
        "description": stack.description,
        "state": "ACTIVE",
        "state_reason": None,
        "default": stack.default,
        "build_rootfs_image": stack.name,
        "run_rootfs_image": stack.name,
        "metadata": stack.metadata,
        "links": links(call.api, {"self": f"/v3/stacks/{stack.guid}"}),
    }


def index(call: Call) -> Response:
    """GET /v3/stacks."""
    return listing(call, Stack, present, filters={"names": "name"})


def show(call: Call) -> Response:
    """GET /v3/stacks/{guid}."""
    return call.json(present(call, call.need(Stack)))
