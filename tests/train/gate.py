"""A gate before a foundation's API: notes what it is asked, refuses some of it, takes another password."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PATIENCE_S = 300.0
REFUSED = {"code": 10003, "title": "CF-NotAuthorized", "detail": "You are not authorized"}
Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Gate:
    """What stands before a foundation: `api` is its address here, `asked` has methods and paths.

    `password` is the one that is taken for the foundation's own; `refuse` and `instead` may be set by tests.
    """

    behind: str
    password: str
    known: str
    api: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuse: Callable[[str, str], bool] = lambda _method, _path: False
    instead: Callable[[str, str], Any] = lambda _method, _path: None

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a request, by asking the foundation where nothing else is to happen."""
        path = urlsplit(target).path
        self.asked.append((method, path))
        if self.refuse(method, path):
            return 403, {"Content-Type": "application/json"}, json.dumps({"errors": [REFUSED]}).encode()
        instead = self.instead(method, path)
        if instead is not None:
            return 200, {"Content-Type": "application/json"}, json.dumps(instead).encode()
        if path.endswith("/oauth/token"):
            body = self._with_password(body)
        return self._ask(method, target, headers, body)

    def _with_password(self, body: bytes) -> bytes:
        form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        if "password" in form:
            form["password"] = self.known if form["password"] == self.password else "a-wrong-one"
        return urlencode(form).encode()

    def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sent = {key: value for key, value in headers.items() if key.lower() not in ("host", "content-length")}
        connection = http.client.HTTPConnection(urlsplit(self.behind).netloc, timeout=PATIENCE_S)
        try:
            connection.request(method, target, body=body, headers=sent)
            got = connection.getresponse()
            content = got.read().replace(self.behind.encode(), self.api.encode())
            kept = ("content-type", "location", "date", "x-vcap-request-id")
            named = {key: value for key, value in got.getheaders() if key.lower() in kept}
            return got.status, {k: v.replace(self.behind, self.api) for k, v in named.items()}, content
        finally:
            connection.close()


@contextmanager
def gate(behind: str, known: str, password: str) -> Iterator[Gate]:
    """Yield a gate on loopback before the foundation at `behind`, whose own password is `known`."""
    made = Gate(behind=behind, known=known, password=password)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = made.answer(self.command, self.path, dict(self.headers), body)
            self.send_response_only(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  # the names that the library calls

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.api = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
