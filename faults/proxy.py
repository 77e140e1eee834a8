"""The proxy before the S3 server: passes requests on, and treats those that are struck as told.

`Host` stays as the client wrote it, so that signatures stay valid. Names of treatments: refuse, stall, late,
an error of ERRORS, lie (yes, but nothing is stored), corrupt (yes, but other bytes are), forget (reads do not
see the key for a while), cut-request, cut-answer, lose (the answer, not the request).
"""

import hashlib
import html
import http.client
import re
import socket
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from faults.store import BUCKET, Server, Stored
from faults.watch import Event, Treatment, Watch

ERRORS: Mapping[str, tuple[int, str, str]] = {
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "403": (403, "AccessDenied", "Access Denied"),
    "409": (409, "ConditionalRequestConflict", "A conflicting operation occurred."),
    "skewed": (403, "RequestTimeTooSkewed", "The difference between the request time and ours is too large."),
    "404": (404, "NoSuchKey", "The specified key does not exist."),
}
HOPS = ("connection", "keep-alive", "expect", "transfer-encoding", "content-length")
ETAG = '<{0}Result><ETag>"{1}"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></{0}Result>'


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """The object that it is about; empty for the bucket itself."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        return path.removeprefix(f"/{BUCKET}").lstrip("/")

    @property
    def what(self) -> str:
        """Its kind among READS and WRITES."""
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "COPY"
        if self.method == "GET" and not self.key:
            return "LIST"
        return "DELETE" if self.method == "POST" else self.method


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass
class Proxy:
    """Stands before a server; each request is told to the current watch."""

    upstream: Server
    watch: Watch = field(default_factory=Watch)
    corrupted: set[str] = field(default_factory=set)
    forgotten: Counter[str] = field(default_factory=Counter)
    held: list[threading.Thread] = field(default_factory=list)
    _server: "_Server | None" = None

    def start(self, port: int) -> None:
        """Listen, in threads."""
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def settle(self) -> None:
        """Wait until every write that was held has arrived."""
        while self.held:
            self.held.pop().join()

    def forward(self, request: Request) -> Answer:
        """Ask the server; raises OSError or HTTPException where it does not answer."""
        connection = http.client.HTTPConnection(*self.upstream.address, timeout=60)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in HOPS:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            found = connection.getresponse()
            headers = {name.lower(): value for name, value in found.getheaders()}
            return Answer(status=found.status, headers=headers, body=found.read())
        finally:
            connection.close()

    def forward_late(self, request: Request, delay_s: float) -> None:
        """Let a write arrive some seconds from now."""

        def act() -> None:
            time.sleep(delay_s)
            with suppress(OSError, http.client.HTTPException):
                self.forward(request)

        thread = threading.Thread(target=act, daemon=True)
        self.held.append(thread)
        thread.start()

    def corrupt(self, key: str) -> None:
        """Replace an object's bytes below what its metadata says."""
        found = self.upstream.client.get_object(Bucket=BUCKET, Key=key)
        content = bytearray(found["Body"].read())
        content[len(content) // 2] ^= 1
        stored = Stored(content=bytes(content), kind=found["ContentType"], metadata=dict(found["Metadata"]))
        self.upstream.put(key, stored)
        self.corrupted.add(key)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that was killed in the middle is what we are here for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Serve any request."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(method=self.command, path=self.path, headers=headers, body=body)
        event, treatment = self.server.proxy.watch.arriving(request.what, request.key)
        self._treat(request, event, treatment or Treatment(name=""))

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""

    def _treat(self, request: Request, event: Event, treatment: Treatment) -> None:
        proxy, name = self.server.proxy, treatment.name
        if name in ERRORS:
            self._say_error(request, name)
        elif name == "refuse":
            self._hang_up()
        elif name == "cut-request":
            _send_half(proxy.upstream.address, request)
            self._hang_up()
        elif name == "late":
            proxy.forward_late(request, treatment.amount)
            self._hang_up()
        elif name == "lie":
            self._say(request, _lie(request))
        elif proxy.forgotten[request.key] and event.what in {"GET", "HEAD"}:
            proxy.forgotten[request.key] -= 1
            self._say_error(request, "404")
        else:
            self._pass_on(request, event, treatment)

    def _pass_on(self, request: Request, event: Event, treatment: Treatment) -> None:
        proxy, name = self.server.proxy, treatment.name
        if name == "stall":
            time.sleep(treatment.amount)
        try:
            answer = proxy.forward(request)
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return
        stored = answer.status == 200
        if name == "corrupt" and stored:
            proxy.corrupt(request.key)
        if name == "forget" and stored:
            proxy.forgotten[request.key] = int(treatment.amount)
        if event.what == "LIST" and any(proxy.forgotten.values()):
            answer = _without(answer, +proxy.forgotten)
        after = proxy.watch.done(event)
        if "lose" in {name, after.name if after else ""}:
            self._hang_up()
        else:
            self._say(request, answer, half=name == "cut-answer")

    def _say(self, request: Request, answer: Answer, *, half: bool = False) -> None:
        body = answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in {*HOPS, "date", "server"}:
                self.send_header(name, value)
        length = answer.headers.get("content-length", "0") if request.method == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self._hang_up()

    def _say_error(self, request: Request, name: str) -> None:
        status, code, message = ERRORS[name]
        said = f"<Error><Code>{code}</Code><Message>{message}</Message><Key>{request.key}</Key></Error>"
        body = b"" if request.method == "HEAD" else said.encode()
        self._say(request, Answer(status=status, headers={"content-type": "application/xml"}, body=body))

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _lie(request: Request) -> Answer:
    """Return what a store says that has stored an object."""
    etag = hashlib.md5(request.body, usedforsecurity=False).hexdigest()
    body = ETAG.format("CopyObject", etag).encode() if request.what == "COPY" else b""
    return Answer(status=200, headers={"etag": f'"{etag}"'}, body=body)


def _without(answer: Answer, keys: Iterable[str]) -> Answer:
    """Return a listing that does not show some keys."""
    text = answer.body.decode()
    for key in keys:
        row = rf"<Contents>(?:(?!</Contents>).)*<Key>{re.escape(html.escape(key))}</Key>.*?</Contents>"
        text = re.sub(row, "", text, flags=re.DOTALL)
    return replace(answer, body=text.encode())


def _send_half(address: tuple[str, int], request: Request) -> None:
    """Begin a request to the server and break off in the middle of its body."""
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name not in HOPS]
    lines += [f"content-length: {len(request.body)}", "", ""]
    with suppress(OSError), socket.create_connection(address, timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + request.body[: len(request.body) // 2])
