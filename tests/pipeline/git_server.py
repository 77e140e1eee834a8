"""A team's git server: bare repositories over HTTP, for one user with a password, by git's own program."""

import base64
import gzip
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

USER, PASSWORD = "train", "planted-password-of-the-git-server"
HOOK = "/failed"
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_HTTP_EXPORT_ALL": "1"}


class GitServer(ThreadingHTTPServer):
    """Serves the repositories in a folder; `told` has the JSON that was posted to its webhook."""

    daemon_threads = True

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.folder = folder
        self.url = f"http://{address}:{self.server_address[1]}"
        self.told: list[Any] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: some clients are killed in the middle."""

    def answer(self, handler: "_Handler", body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a request: with what git's program says, if the user is known."""
        if handler.path == HOOK:
            self.told.append(json.loads(body))
            return 200, {}, b""
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if handler.headers.get("Authorization") != f"Basic {wanted}":
            return 401, {"WWW-Authenticate": 'Basic realm="git"'}, b""
        argv, env = ["git", "http-backend"], self._environment(handler, len(body))
        done = subprocess.run(argv, input=body, env=env, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        rows = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return int(rows.pop("Status", "200").split()[0]), rows, content

    def _environment(self, handler: "_Handler", size: int) -> Mapping[str, str]:
        path, _, query = handler.path.partition("?")
        return {
            **PLAIN,
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_PROJECT_ROOT": str(self.folder),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": handler.command,
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(size),
            "REMOTE_USER": USER,
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitServer

    def do_GET(self) -> None:
        status, headers, content = self.server.answer(self, self._body())
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the name that the library calls

    def _body(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving(folder: Path, address: str) -> Iterator[GitServer]:
    """Yield a server of a folder's repositories that listens on an address of this host."""
    server = GitServer(folder, address)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
