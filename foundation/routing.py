"""Runs the router program and hands it the routes."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from foundation import daemon, programs
from foundation.failures import ProgramError
from foundation.model.routing import Route

READY_S = 10.0
DRAIN_S = 7.0  # the router's own 5 s and some air
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
SOCKET, RUNNING, LOG = "router.sock", "router.json", "router.log"
READY_LINE = "listening "


class RouterProcess:
    """A model.routing.Router: the router in a session of its own, started again where it dies.

    `listen` is address:port; `state` a folder for its socket, log and process id. A router that a
    killed server left is taken over where it is the same program on the same address, else ended.
    """

    def __init__(self, *, program: Path, listen: str, state: Path) -> None:
        self._program, self._state = program.resolve(), state.resolve()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._routes: Sequence[Route] = ()
        self._process: daemon.Process | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="router", daemon=True)
        self._asked = listen
        self.address = listen  # once started with the real port, where 0 was asked for

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
            address, asked = noted["address"], noted["asked"]
        except (OSError, ValueError, KeyError):
            return False
        if not daemon.alive(left):
            return False
        if daemon.program(left) != self._program or asked != self._asked:
            daemon.end(left, DRAIN_S)
            return False
        self._process, self.address = left, address
        return True

    def _launch(self) -> None:
        """Start the router and wait for its ready line; a restart takes the port that the first start got."""
        log = self._state / LOG
        offset = log.stat().st_size if log.exists() else 0
        argv: list[str | Path] = [self._program, "serve", "-listen", self.address, "-admin", SOCKET]
        self._child = programs.spawn(argv, log=log, cwd=self._state)
        self._process = daemon.known(self._child.pid)
        self.address = self._ready_address(log, offset)
        noted = {**asdict(self._process), "address": self.address, "asked": self._asked}
        scratch = self._state / f"{RUNNING}.new"
        scratch.write_text(json.dumps(noted))
        scratch.replace(self._state / RUNNING)

    def _ready_address(self, log: Path, offset: int) -> str:
        deadline = time.monotonic() + READY_S
        while True:
            ended = self._child is None or self._child.poll() is not None
            said = log.read_bytes()[offset:].decode("utf-8", "replace")
            for line in said.splitlines():
                if line.startswith(READY_LINE):
                    return line.removeprefix(READY_LINE).strip()
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
        pause = FIRST_PAUSE_S
        while self._process:
            daemon.wait(self._process)
            if self._child:
                self._child.wait()
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE_S)
            with self._lock:
                try:
                    self._launch()
                except ProgramError:
                    continue  # its words are in the log
                self._put()
            pause = FIRST_PAUSE_S

    def _put(self) -> None:
        body = json.dumps({"routes": [asdict(route) for route in self._routes]})
        connection = _Connection(self._state)
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


class _Connection(http.client.HTTPConnection):
    """HTTP over the router's socket, whose path may be longer than a socket's name may be."""

    def __init__(self, state: Path) -> None:
        super().__init__("router", timeout=READY_S)
        self._folder = state

    def connect(self) -> None:
        """Connect by way of the folder's descriptor."""
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
