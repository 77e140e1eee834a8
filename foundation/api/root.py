"""The documents that say what this is: /, /v3, /v3/info."""

from starlette.responses import Response

from foundation.api.call import Call
from foundation.present import links
from foundation.settings import OFFLINE_ANNOTATION

# 3.211 and later would promise `embed=process_instances`, which is not there yet.
VERSION = "3.200.0"


def root(call: Call) -> Response:
    """GET /: where the parts are. Parts that the local foundation lacks are null, as on the real one."""
    api = call.api
    found = links(
        api, {"self": "", "cloud_controller_v3": "/v3", "login": "/login", "uaa": "/uaa", "log_cache": ""}
    )
    found["cloud_controller_v3"]["meta"] = {"version": VERSION}
    absent = ("cloud_controller_v2", "network_policy_v0", "network_policy_v1", "credhub", "routing")
    return call.json(
        {"links": {**found, **dict.fromkeys(absent), "logging": None, "log_stream": None, "app_ssh": None}}
    )


def v3(call: Call) -> Response:
    """GET /v3: the collections."""
    names = ("apps", "builds", "buildpacks", "domains", "droplets", "organizations", "packages")
    more = ("processes", "routes", "spaces", "stacks")
    return call.json(
        {"links": links(call.api, {"self": "/v3", **{name: f"/v3/{name}" for name in (*names, *more)}})}
    )


def info(call: Call) -> Response:
    """GET /v3/info: `custom` says that this is a local foundation, and what only such a one has."""
    return call.json(
        {
            "build": "",
            "cli_version": {"minimum": "", "recommended": ""},
            "custom": {
                "foundation": "local",
                "staging_network_annotation": OFFLINE_ANNOTATION,
                "router": call.world.settings.router,
            },
            "description": "Local foundation: one machine, for tests",
            "name": "local",
            "version": 0,
            "osbapi_version": "2.15",
            "rate_limits": {"enabled": False, "general_limit": "", "reset_interval_in_minutes": ""},
            "links": {"self": {"href": f"{call.api}/v3/info"}, "support": {"href": ""}},
        }
    )
