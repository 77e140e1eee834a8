"""The git server: git's own programs behind one TCP port, where a connection can be struck.

It does what `git daemon` does (one line that names the service), so that each connection is an event that
can be refused, held, cut, or lose its answer after the remote has accepted the push.
"""

import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from faults.watch import Event, Watch

SERVICES: Mapping[str, str] = {"git-upload-pack": "fetch", "git-receive-pack": "push"}
PLAIN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "receive.autogc",
    "GIT_CONFIG_VALUE_0": "false",
}


@dataclass
class Gate:
    """Serves the bare repository at `remote` on a port; each connection is told to the current watch."""

    remote: Path
    watch: Watch = field(default_factory=Watch)
    _server: "_Server | None" = None

    def start(self, port: int) -> None:
        """Listen, in threads."""
        self._server = _Server(("127.0.0.1", port), _Connection)
        self._server.gate = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    gate: Gate

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that was killed in the middle is what we are here for."""


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket
    server: _Server

    def handle(self) -> None:
        """Serve one fetch or push."""
        gate = self.server.gate
        service, version = _service(self._asked())
        if service not in SERVICES:
            return
        event, treatment = gate.watch.arriving(SERVICES[service], "")
        name = treatment.name if treatment else ""
        if name == "refuse":
            return
        if treatment and name == "hang":
            time.sleep(treatment.amount)
        with _Program(service, version, gate.remote) as program:
            if event.what == "fetch":
                self._relay(program)
                gate.watch.done(event)
            else:
                self._push(program, event, name)

    def _asked(self) -> bytes:
        """Return the one packet that names service and repository; nothing behind it is read."""
        size = int(self.request.recv(4, socket.MSG_WAITALL) or b"0", 16)
        return self.request.recv(size - 4, socket.MSG_WAITALL) if size > 4 else b""

    def _relay(self, program: "_Program") -> None:
        threading.Thread(target=self._forward, args=(program,), daemon=True).start()
        with suppress(OSError):
            while data := os.read(program.stdout.fileno(), 1 << 16):
                self.request.sendall(data)
        program.kill()

    def _forward(self, program: "_Program") -> None:
        with suppress(OSError, ValueError):
            while data := self.request.recv(1 << 16):
                program.stdin.write(data)
                program.stdin.flush()
            program.stdin.close()

    def _push(self, program: "_Program", event: Event, name: str) -> None:
        """Show the client the remote's refs, take its pack, and answer when all is done: or do not."""
        with suppress(OSError):
            self.request.sendall(_until_flush(program.stdout))
        if name == "cut":
            with suppress(OSError):
                self.request.recv(1)
            program.kill()
            return
        threading.Thread(target=self._forward, args=(program,), daemon=True).start()
        answer = program.stdout.read()
        program.wait()
        after = self.server.gate.watch.done(event)
        if "lose" in {name, after.name if after else ""}:
            return
        with suppress(OSError):
            self.request.sendall(answer)


class _Program(subprocess.Popen[bytes]):
    """The part of git that serves one connection."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(self, service: str, version: str, remote: Path) -> None:
        env = {"PATH": os.environ["PATH"], "HOME": str(remote), **PLAIN}
        super().__init__(
            ["git", service.removeprefix("git-"), str(remote)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**env, "GIT_PROTOCOL": version} if version else env,
        )


def _service(line: bytes) -> tuple[str, str]:
    """Return the service that a request names and the protocol's version that it asks for."""
    words = line.split(b"\0")
    version = next((word for word in words[1:] if word.startswith(b"version=")), b"")
    return words[0].split(b" ")[0].decode(), version.decode()


def _until_flush(stream: IO[bytes]) -> bytes:
    """Return the packets up to and with the first flush: what receive-pack says of its own accord."""
    found = b""
    while True:
        head = stream.read(4)
        size = int(head or b"0", 16)
        found += head
        if size <= 4:
            return found
        found += stream.read(size - 4)
