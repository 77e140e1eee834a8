"""A server on loopback that gives out one file, and misbehaves as it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.buildpack.staging_area import PROGRAM


@dataclass(kw_only=True)
class FileServer:
    """Answers as `plan` says, in order; the last one stays.

    An answer is `whole`, `cut` (half of it, then the connection ends), `stall` (its beginning, then silence),
    a status, or where a redirect leads: `/PATH`, `file:///PATH`.
    """

    content: bytes = PROGRAM
    plan: list[str] = field(default_factory=lambda: ["whole"])
    asked: list[str] = field(default_factory=list)  # what was asked for, one line a request
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, path: str = "config-server") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        step = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
        handler.send_response(int(step) if step.isdigit() else 302 if "/" in step else 200)
        if "/" in step:
            handler.send_header("Location", step)
        body = self.content if step in ("whole", "cut", "stall") else b""
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        sent = {"cut": len(body) // 2, "stall": 100}.get(step, len(body))
        handler.wfile.write(body[:sent])
        if step == "stall":
            self.stalled.set()
            self.ended.wait(60)
        handler.close_connection = True


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, server: FileServer, *rest: object) -> None:
        self._files = server
        super().__init__(*rest)  # type: ignore[arg-type]  # as the base class is called

    def do_GET(self) -> None:
        self._files.answer(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing: the tests look at `asked`."""


@contextmanager
def serving() -> Iterator[FileServer]:
    """Serve until the end of the block."""
    files = FileServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, files))
    files.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield files
    finally:
        files.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
