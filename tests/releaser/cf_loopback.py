"""A server on loopback that answers as a foundation does, and records what it is asked."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PASSWORD = "pässword-that-must-not-show"


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    match: re.Match[str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Reply]


class Foundation:
    """Answers by method and path pattern; the rule that was added last wins."""

    def __init__(self, port: int) -> None:
        self.api = f"http://127.0.0.1:{port}"
        self.requests: list[Request] = []
        self.rules: list[tuple[str, re.Pattern[str], Answer]] = []
        self.on("GET", "/", body={"links": self.links()})
        self.on("POST", "/oauth/token", self._token)
        self.on("GET", "/v3/info", body={"custom": {}})

    def links(self) -> dict[str, Any]:
        v3 = {"href": f"{self.api}/v3"}
        here = {"href": self.api}
        v2 = {"href": f"{self.api}/v2"}
        controllers = {"cloud_controller_v2": v2, "cloud_controller_v3": v3}
        return {**controllers, "login": here, "uaa": here, "log_cache": here}

    def _token(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode())
        if form.get("password", [PASSWORD]) != [PASSWORD]:
            return Reply(status=401, body={"error": "unauthorized", "error_description": "Bad credentials"})
        count = sum(1 for one in self.requests if one.path == "/oauth/token")
        return Reply(
            body={"access_token": f"token-{count}", "refresh_token": "again", "token_type": "bearer"}
        )

    def on(self, method: str, pattern: str, answer: Answer | None = None, **reply: Any) -> None:
        fixed = Reply(**reply)
        self.rules.append((method, re.compile(pattern + r"\Z"), answer or (lambda _request: fixed)))

    def listing(self, pattern: str, *rows: Mapping[str, Any]) -> None:
        self.on("GET", pattern, body={"resources": list(rows)})

    def job(self, guid: str, *states: str, detail: str = "") -> Mapping[str, str]:
        """Make a job pass through the states, one a look, and return the headers that name it."""
        left = list(states)

        def look(_request: Request) -> Reply:
            state = left.pop(0) if len(left) > 1 else left[0]
            errors = [{"detail": detail, "title": "CF-Error", "code": 1}] if state == "FAILED" else []
            return Reply(body={"guid": guid, "state": state, "errors": errors, "links": {}})

        self.on("GET", f"/v3/jobs/{guid}", look)
        return {"Location": f"{self.api}/v3/jobs/{guid}"}

    def log(self, app: str, *lines: tuple[str, str]) -> None:
        """Let log-cache hold (source, text) lines; they are answered newest first, as it does."""
        batch = [
            {
                "timestamp": str(number),
                "instance_id": "0",
                "tags": {"source_type": source, "instance_id": "0"},
                "log": {"payload": base64.b64encode(text.encode()).decode(), "type": "OUT"},
            }
            for number, (source, text) in enumerate(lines)
        ]
        self.on("GET", f"/api/v1/read/{app}", body={"envelopes": {"batch": batch[::-1]}})

    def asked(self, method: str = r"\w+", pattern: str = ".*") -> list[Request]:
        return [
            one
            for one in self.requests
            if re.fullmatch(method, one.method) and re.fullmatch(pattern, one.path)
        ]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        parts = urlsplit(target)
        for rule_method, pattern, answer in reversed(self.rules):
            match = pattern.match(parts.path)
            if rule_method == method and match:
                request = Request(
                    method=method,
                    path=parts.path,
                    query=parse_qs(parts.query),
                    headers=headers,
                    body=body,
                    match=match,
                )
                self.requests.append(request)
                return answer(request)
        return refusal(404, 10000, f"Unknown request: {method} {parts.path}")


def refusal(status: int, code: int, detail: str, title: str = "CF-Error") -> Reply:
    return Reply(status=status, body={"errors": [{"code": code, "title": title, "detail": detail}]})


def _handler(foundation: Callable[[], Foundation]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = foundation().answer(self.command, self.path, dict(self.headers), body)
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            if reply.body is None:
                content = b""
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815  # the names that the library calls

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


@contextmanager
def serve() -> Iterator[Foundation]:
    made: list[Foundation] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: made[0]))
    made.append(Foundation(server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
