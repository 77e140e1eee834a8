"""Runs the router program and hands it the routes."""

import hashlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from foundation import daemon, programs
from foundation.failures import ProgramError
from foundation.model.routing import Route
from foundation.retrying import pauses
from foundation.router_socket import SOCKET, RouterConnection

READY_S = 10.0
DRAIN_S = 7.0  # the router's own 5 s and some air
RUNNING, LOG = "router.json", "router.log"
READY_LINE = "listening "


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Where the router speaks TLS, address:port, and with what; who trusts the authority trusts it."""

    listen: str
    authority: Path
    certificate: Path
    key: Path


class RouterProcess:
    """A model.routing.Router: the router in a session of its own, started again where it dies.

    `listen` is address:port, `tls` what it serves beside that; `state` a folder for its socket, log and
    process id. A router that a killed server left is taken over where it is the same program on the same
    addresses, else ended.
    """

    def __init__(self, *, program: Path, listen: str, state: Path, tls: Tls | None = None) -> None:
        self._program, self._state = program.resolve(), state.resolve()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._routes: Sequence[Route] = ()
        self._process: daemon.Process | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="router", daemon=True)
        self.tls, self._asked = tls, _asked(listen, tls)
        # Once started these have the real ports, where 0 was asked for.
        self.address, self.tls_address = listen, tls.listen if tls else None

    def start(self) -> None:
        """Return when the router serves; raises ProgramError with its own words where it cannot."""
        self._state.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if not self._adopt():
                self._launch()
        self._watcher.start()

    def swap(self, routes: Sequence[Route]) -> None:
        """Replace the whole table at once; a router that is being started again gets it then.

        Raises ProgramError where the router refuses the table.
        """
        with self._lock:
            self._routes = tuple(routes)
            self._put()

    def stop(self) -> None:
        """Let the router finish the requests under way, for seconds at most, and end it."""
        self._stopping.set()
        with self._lock:
            if self._process:
                daemon.end(self._process, DRAIN_S)
        if self._watcher.is_alive():
            self._watcher.join()
        (self._state / RUNNING).unlink(missing_ok=True)

    def _adopt(self) -> bool:
        """Take over the router of a killed server where it is ours in every respect, else end it."""
        try:
            noted = json.loads((self._state / RUNNING).read_text())
            left = daemon.Process(pid=noted["pid"], started=noted["started"])
            address, tls_address, asked = noted["address"], noted["tls_address"], noted["asked"]
        except (OSError, ValueError, KeyError):
            return False
        if not daemon.alive(left):
            return False
        if daemon.program(left) != self._program or asked != self._asked:
            daemon.end(left, DRAIN_S)
            return False
        self._process, self.address, self.tls_address = left, address, tls_address
        return True

    def _launch(self) -> None:
        """Start the router and wait for its ready line; a restart takes the ports that the first one got."""
        log = self._state / LOG
        offset = log.stat().st_size if log.exists() else 0
        argv: list[str | Path] = [self._program, "serve", "-listen", self.address, "-admin", SOCKET]
        if self.tls and self.tls_address:
            argv += ["-tls-listen", self.tls_address]
            argv += ["-certificate", self.tls.certificate, "-key", self.tls.key]
        self._child = programs.spawn(argv, log=log, cwd=self._state)
        self._process = daemon.known(self._child.pid)
        self.address, self.tls_address = self._ready_addresses(log, offset)
        addresses = {"address": self.address, "tls_address": self.tls_address}
        noted = {**asdict(self._process), **addresses, "asked": self._asked}
        scratch = self._state / f"{RUNNING}.new"
        scratch.write_text(json.dumps(noted))
        scratch.replace(self._state / RUNNING)

    def _ready_addresses(self, log: Path, offset: int) -> tuple[str, str | None]:
        deadline = time.monotonic() + READY_S
        while True:
            ended = self._child is None or self._child.poll() is not None
            said = log.read_bytes()[offset:].decode("utf-8", "replace")
            for line in said.splitlines():
                if line.startswith(READY_LINE):
                    address, *tls = line.removeprefix(READY_LINE).split()
                    return address, tls[0] if tls else None
            if ended or time.monotonic() > deadline:
                self._kill_child()
                raise ProgramError(
                    f"the router cannot serve on {self.address}: {said.strip()}",
                    "Where the address is taken: end what holds it, or choose another one.",
                )
            time.sleep(0.02)

    def _kill_child(self) -> None:
        if self._child and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def _watch(self) -> None:
        """Start the router again whenever it ends; where it cannot start, less and less often."""
        waiting = pauses()
        while self._process:
            daemon.wait(self._process)
            if self._child:
                self._child.wait()
            if self._stopping.wait(next(waiting)):
                return
            with self._lock:
                try:
                    self._launch()
                except ProgramError:
                    continue  # its words are in the log
                self._put()
            waiting = pauses()

    def _put(self) -> None:
        body = json.dumps({"routes": [asdict(route) for route in self._routes]})
        connection = RouterConnection(self._state, READY_S)
        try:
            connection.request("PUT", "/table", body)
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.NO_CONTENT:
                words = answer.read().decode("utf-8", "replace").strip()
                raise ProgramError(f"the router refuses the routes: {words}")
        except (OSError, http.client.HTTPException):
            return  # it has died: it is started again, and gets the routes then
        finally:
            connection.close()


def _asked(listen: str, tls: Tls | None) -> Sequence[str]:
    """Return what a router must have been started with to be taken over: also the same certificate."""
    if tls is None:
        return [listen]
    return [listen, tls.listen, hashlib.sha256(tls.certificate.read_bytes()).hexdigest()]
