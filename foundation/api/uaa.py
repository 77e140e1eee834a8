"""UAA's part: the login document and tokens, alike below /login and /uaa."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from foundation.api.call import Call, read_body
from foundation.auth import RejectedError
from foundation.rows.base import now
from foundation.world import World


def login(call: Call) -> Response:
    """GET LOGIN/login: what to ask a user for. The cf CLI sends no password without the prompts."""
    return call.json(
        {
            "app": {"version": "77.0.0"},
            "links": {"uaa": f"{call.api}/uaa", "login": f"{call.api}/login"},
            "zone_name": "uaa",
            "prompts": {"username": ["text", "Email"], "password": ["password", "Password"]},
            "commit_id": "local",
            "timestamp": now(),
        }
    )


async def token(request: Request) -> Response:
    """POST LOGIN/oauth/token: password, refresh_token and client_credentials grants."""
    world: World = request.app.state.world
    form = dict(parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return JSONResponse(world.auth.grant(form))
    except RejectedError as error:
        return JSONResponse(
            {"error": error.error, "error_description": error.description}, status_code=error.status
        )
