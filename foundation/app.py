"""The HTTP application: endpoints with their authentication, errors in Cloud Foundry's shape, request ids."""

import errno
import inspect
import logging
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foundation import errors
from foundation.api.call import AsyncHandler, Handler, read_body, within
from foundation.api.endpoints import ABSENT, ENDPOINTS, OPEN, Endpoint
from foundation.failures import FoundationError
from foundation.rows.base import new_guid
from foundation.world import World

ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def make(world: World) -> ASGIApp:
    """Return the application of a foundation."""
    app = Starlette(
        routes=[
            *(_route(endpoint, needs_token=False) for endpoint in OPEN),
            *(_route(endpoint, needs_token=True) for endpoint in ENDPOINTS),
            *(route for path in ABSENT for route in _absent(path)),
        ],
        exception_handlers={
            errors.ApiError: _answer_error,
            FoundationError: _answer_unavailable,
            OSError: _answer_system,
            HTTPException: _answer_unknown,
            Exception: _answer_broken,
        },
    )
    app.state.world = world
    return _with_request_id(app)


def _route(endpoint: Endpoint, *, needs_token: bool) -> Route:
    method, path, handler = endpoint

    async def answer(request: Request) -> Response:
        request.state.user = _user(request) if needs_token else ""
        if inspect.iscoroutinefunction(handler):
            return await cast(AsyncHandler, handler)(request)
        return await within(request, cast(Handler, handler), await read_body(request))

    route = Route(path, answer, methods=[method])
    route.methods = {method}  # HEAD is not something Cloud Foundry answers
    return route


def _absent(path: str) -> list[Route]:
    async def answer(request: Request) -> Response:
        _user(request)
        raise errors.not_implemented(f"{request.method} {path}")

    return [Route(pattern, answer, methods=ANY_METHOD) for pattern in (path, f"{path}/{{rest:path}}")]


def _user(request: Request) -> str:
    world: World = request.app.state.world
    return world.auth.authenticate(request.headers.get("authorization"))


async def _answer_error(_request: Request, error: Exception) -> Response:
    refused = cast(errors.ApiError, error)
    return JSONResponse({"errors": [problem.present() for problem in refused.problems]}, refused.status)


async def _answer_unknown(request: Request, error: Exception) -> Response:
    """Answer for a path that nothing has, or that has other methods only."""
    if cast(HTTPException, error).status_code != 405:
        return await _answer_error(request, errors.unknown_request())
    try:
        _user(request)
    except errors.ApiError as refused:
        return await _answer_error(request, refused)
    what = f"{request.method} {request.url.path}"
    return await _answer_error(request, errors.not_implemented(what))


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("%s %s: %s", request.method, request.url.path, error)
    return await _answer_error(request, errors.unavailable(str(error)))


async def _answer_system(request: Request, error: Exception) -> Response:
    """Answer where the system refuses: a full disk is nothing that broke."""
    if cast(OSError, error).errno not in (errno.ENOSPC, errno.EDQUOT):
        return await _answer_broken(request, error)
    full = "the disk is full, so the foundation cannot keep what it was sent\nMake room, then send it again."
    return await _answer_unavailable(request, FoundationError(full))


async def _answer_broken(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("%s %s broke", request.method, request.url.path, exc_info=error)
    return await _answer_error(request, errors.unknown())


def _with_request_id(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_guid().encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-vcap-request-id", request_id)]
            await send(message)

        await app(scope, receive, send_with_id)

    return answer
