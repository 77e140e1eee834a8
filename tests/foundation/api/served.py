"""The API's tests' foundation on a real socket, for whoever speaks to foundations over HTTP only."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.foundation.api.stand import Stand, running

STARTS_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A foundation whose API answers at `api`, and what it was asked: method and path."""

    stand: Stand
    api: str
    asked: list[tuple[str, str]]


@contextmanager
def serving(state: Path) -> Iterator[Served]:
    """Yield a fresh foundation."""
    asked: list[tuple[str, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        api = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with running(state, api=api) as stand:
            config = uvicorn.Config(
                _recorded(stand.app, asked), log_level="warning", access_log=False, lifespan="off"
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
            thread.start()
            try:
                _wait(server)
                yield Served(stand=stand, api=api, asked=asked)
            finally:
                server.should_exit = True
                thread.join()


def _recorded(app: ASGIApp, asked: list[tuple[str, str]]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append((scope["method"], scope["path"]))
        await app(scope, receive, send)

    return answer


def _wait(server: uvicorn.Server) -> None:
    end = time.monotonic() + STARTS_S
    while not server.started:
        assert time.monotonic() < end, "the server does not start"
        time.sleep(0.01)
