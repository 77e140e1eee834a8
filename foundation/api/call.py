"""One request as a handler sees it, and how handlers are run: on the store's thread, in one transaction."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from foundation import errors
from foundation.api.bodies import explain
from foundation.rows.base import Row
from foundation.store import Db
from foundation.world import World

BODY_LIMIT = 8 << 20  # bytes of a body that is not an upload

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=Row)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request of a known user, within a transaction."""

    world: World
    request: Request
    db: Db
    user: str
    body: bytes = b""
    effects: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    @property
    def api(self) -> str:
        """The API's own address, for links."""
        return self.world.settings.api

    def read(self, model: type[M]) -> M:
        """Return the JSON body as a model; raise what is wrong with it."""
        try:
            return model.model_validate(read_json(self.body))
        except ValidationError as error:
            raise errors.unprocessable(*explain(error)) from error

    def need(self, kind: type[R], parameter: str = "guid") -> R:
        """Return the row that the path names; raise `Kind not found`."""
        return self.db.need(kind, self.request.path_params[parameter])

    def afterwards(self, effect: Callable[[], Awaitable[object]]) -> None:
        """Let something happen after the transaction and before the answer."""
        self.effects.append(effect)

    def json(self, content: Any, status: int = 200) -> Response:
        """Return an answer."""
        return JSONResponse(content, status)


Handler = Callable[[Call], Response]
AsyncHandler = Callable[[Request], Awaitable[Response]]


async def within(request: Request, work: Callable[[Call], T], body: bytes = b"") -> T:
    """Run work for a request in a transaction, then what it wants to happen afterwards."""
    world: World = request.app.state.world
    effects: list[Callable[[], Awaitable[object]]] = []

    def transaction(db: Db) -> T:
        user = request.state.user
        return work(Call(world=world, request=request, db=db, user=user, body=body, effects=effects))

    result = await world.store.run(transaction)
    for effect in effects:
        await effect()
    return result


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """Return a body that is not an upload; raise where it is larger than the limit, in bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise errors.too_large(limit)
    return bytes(body)


def read_json(body: bytes) -> Any:
    """Return a JSON body; raise a parse error also for what only Python's reader takes."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        content = json.loads(body, parse_constant=refuse)
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair cannot be stored
    except (ValueError, RecursionError) as error:
        raise errors.parse_error() from error
    return content
