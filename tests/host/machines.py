"""Machines made of real scripts and sockets: what they are asked to run is logged, nothing is installed."""

import json
import os
import signal
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from host.machine import Machine

# Says what it inherited, then answers on the socket as an engine does.
DOCKERD = """#!{python}
import os, sys
sys.path.insert(0, {checkout!r})
from tests.host import machines
from pathlib import Path
Path({pid!r}).write_text(str(os.getpid()))
print("arguments", *sys.argv[1:], "session", os.getsid(0) == os.getpid(), "folder", os.getcwd())
print("files", *(os.readlink(f"/proc/self/fd/{{n}}") for n in (0, 1, 2)))
print("more", *sorted(os.listdir("/proc/self/fd"))[4:])  # the fourth is that of this listing
print("names", *sorted(os.environ), flush=True)
machines.Listener({socket!r}).serve_forever()
"""


class Answer(BaseHTTPRequestHandler):
    """Answers what the probe asks."""

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.41", "ServerVersion": "99.1", "DockerRootDir": "/"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


class Listener(socketserver.ThreadingUnixStreamServer):
    """An engine's socket."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Answer)

    def get_request(self) -> tuple[Any, Any]:
        return self.socket.accept()[0], ("engine", 0)  # the handler wants an address with a host in it


@contextmanager
def answering(path: Path) -> Iterator[None]:
    """Have an engine answer at a socket."""
    with Listener(str(path)) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        yield
        listener.shutdown()


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """A machine's PATH."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def socket(self) -> Path:
        return self.root / "docker.sock"

    @property
    def folder(self) -> Path:
        return self.root / "kept"

    def add(self, name: str, body: str = "") -> Path:
        """Add a script that logs how it was called before it does what `body` says."""
        script = self.bin / name
        script.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.root}/calls"\n{body}\n')
        script.chmod(0o755)
        return script

    def add_dockerd(self, name: str = "dockerd") -> Path:
        """Add an engine that answers when it runs."""
        script = self.bin / name
        checkout = str(Path(__file__).parents[2])
        pid, socket = str(self.root / "dockerd.pid"), str(self.socket)
        script.write_text(DOCKERD.format(python=sys.executable, checkout=checkout, pid=pid, socket=socket))
        script.chmod(0o755)
        return script

    def add_sudo(self) -> None:
        """Add a sudo that asks for no password."""
        self.add("sudo", 'shift; [ "$1" = true ] || exec "$@"')

    def calls(self) -> list[str]:
        log = self.root / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def machine(self, **changes: Any) -> Machine:
        """Return the machine: a Debian without systemd on which we are root."""
        given: dict[str, Any] = {
            "environment": {"PATH": str(self.bin), "HOME": str(self.root)},
            "system": "Linux",
            "title": "Debian GNU/Linux 12",
            "families": frozenset({"debian"}),
            "systemd": False,
            "uid": 0,
            "gid": 0,
            "socket": self.socket,
            **changes,
        }
        return Machine(**given)


@contextmanager
def scripts(root: Path) -> Iterator[Scripts]:
    """Make a PATH of scripts; an engine that was started from it is ended afterwards."""
    made = Scripts(root=root)
    made.bin.mkdir()
    made.folder.mkdir()
    (made.bin / "env").symlink_to("/usr/bin/env")
    yield made
    pid = root / "dockerd.pid"
    if pid.exists():
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)
