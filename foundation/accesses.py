"""Brings the router's access lines into the apps' logs, each exactly once though this server is killed.

The router numbers its lines and keeps those that nobody has acknowledged, also while no server runs. Once the
store has lines, asking for what comes after them acknowledges them. A server that was killed may have stored
the lines of one more answer, so those of the first answer are looked for in the store before they are logged.
"""

import http.client
import json
import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from foundation.logs import Logs
from foundation.model.logs import LogLine
from foundation.router_socket import RouterConnection
from foundation.store import Db, Store

SOURCE_TYPE = "RTR"
ROUTER_INDEX = "0"  # the one router's
WAIT_S = 30  # for a line, in one request
ANSWER_S = 10.0  # for the answer after that
PAUSE_S = 0.2  # until a router that does not answer is asked again
CLOSING_S = 5.0
UNREACHABLE = (OSError, http.client.HTTPException, ValueError)
STORED = "SELECT text FROM lines WHERE app_guid = ? AND source_type = ? AND timestamp >= ?"

log = logging.getLogger(__name__)


class Accesses:
    """Follows the router whose folder this is, in a thread of its own."""

    def __init__(self, folder: Path, store: Store, logs: Logs) -> None:
        self._folder, self._store, self._logs = folder.resolve(), store, logs
        self._run, self._number = "", 0  # the router's, and its last line that the store has
        self._in_doubt = True  # whether lines after that may be stored already
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._waiting: RouterConnection | None = None
        self._thread = threading.Thread(target=self._follow, name="accesses", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Take what the router has until now, and end."""
        with self._lock:
            self._closing.set()
            if self._waiting and self._waiting.sock:
                self._waiting.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(CLOSING_S)

    def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                self._take(WAIT_S)
            except UNREACHABLE:  # the router has died, or this ends: who started the router starts it again
                self._closing.wait(PAUSE_S)
            except Exception:  # without this thread no app would have an access line any more
                log.exception("The router's access lines are read again")
                self._closing.wait(PAUSE_S)
        with suppress(*UNREACHABLE):
            while self._take(0):
                pass

    def _take(self, wait: int) -> bool:
        """Store the next lines; say whether there were some."""
        answer = self._ask(wait)
        found = answer["accesses"]
        if answer["run"] != self._run:
            self._run, self._number = answer["run"], 0
        return bool(found) and self._keep(found)

    def _ask(self, wait: int) -> Mapping[str, Any]:
        connection = RouterConnection(self._folder, wait + ANSWER_S)
        try:
            with self._lock:
                connection.connect()
                if wait and not self._closing.is_set():
                    self._waiting = connection
                else:
                    wait = 0
            query = urlencode({"run": self._run, "after": self._number, "wait": wait})
            connection.request("GET", f"/accesses?{query}")
            answer: Mapping[str, Any] = json.load(connection.getresponse())
            return answer
        finally:
            with self._lock:
                self._waiting = None
            connection.close()

    def _keep(self, found: Sequence[Mapping[str, Any]]) -> bool:
        """Log lines; False where the store is closed before they are in it."""
        lost = found[0]["seq"] - self._number - 1
        if lost and not self._in_doubt:
            log.warning("%d access lines of the router were lost: nobody has taken them in time", lost)
        missing = self._missing(found) if self._in_doubt else found
        self._in_doubt = True
        for access in missing:
            self._logs.sink(access["app_guid"])(_line(access))
        if not self._store.persist(self._written):
            return False
        self._in_doubt = False
        self._number = found[-1]["seq"]
        return True

    def _written(self, db: Db) -> bool:
        self._logs.write(db)
        return True

    def _missing(self, found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the lines that are not in the store; a line has a request's id, so no two are the same."""

        def stored(db: Db) -> list[bool]:
            self._logs.write(db)
            rows = [
                db.connection.execute(STORED, (access["app_guid"], SOURCE_TYPE, access["time"]))
                for access in found
            ]
            return [(access["line"],) in row for access, row in zip(found, rows, strict=True)]

        there = self._store.persist(stored) or [True] * len(found)
        return [access for access, is_there in zip(found, there, strict=True) if not is_there]


def _line(access: Mapping[str, Any]) -> LogLine:
    return LogLine(
        timestamp_ns=access["time"],
        source_type=SOURCE_TYPE,
        instance_id=ROUTER_INDEX,
        stream="OUT",
        text=access["line"],
    )
