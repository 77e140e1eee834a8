"""Requests through the real router while an app is scaled down."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from foundation.model.logs import LogSink
from foundation.model.routing import Backend, Route
from foundation.model.running import ProcessSpec
from foundation.routing import RouterProcess
from tests.foundation.api.stand import Stand, running

FINISHING_S = 0.1  # an instance that was told to stop still takes what is on its way
STOPPING_S = 0.5  # what the order to stop takes
WITH_ROUTE = "applications: [{name: a, default-route: true, instances: 2}]"


class Answers(BaseHTTPRequestHandler):
    """An instance, which resets connections once it has ended."""

    ends_at = float("inf")

    def handle(self) -> None:
        if time.monotonic() < self.server.ends_at:  # type: ignore[attr-defined]  # set below
            super().handle()
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Instance(ThreadingHTTPServer):
    ends_at = float("inf")


@pytest.fixture
def instances() -> Iterator[Sequence[Instance]]:
    found = [Instance(("127.0.0.1", 0), Answers) for _ in range(2)]
    for each in found:
        threading.Thread(target=each.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    for each in found:
        each.shutdown()
        each.server_close()


@pytest.fixture
def stand(
    instances: Sequence[Instance], router: RouterProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stand]:
    """Return a foundation whose instances and router are real, with an app of two instances."""
    with running(tmp_path) as stand:
        run = stand.runner.run

        def swap(routes: Sequence[Route]) -> None:
            router.swap([replace(route, backends=_real(route, instances)) for route in routes])

        def runs(spec: ProcessSpec, log: LogSink) -> None:
            _end(instances[spec.instances :])
            run(spec, log)

        monkeypatch.setattr(stand.router, "swap", swap)
        stand.push()
        stand.apply(WITH_ROUTE)
        monkeypatch.setattr(stand.runner, "run", runs)
        yield stand


def _real(route: Route, instances: Sequence[Instance]) -> list[Backend]:
    return [
        replace(each, address=f"127.0.0.1:{instances[each.index].server_address[1]}")
        for each in route.backends
    ]


def _end(instances: Sequence[Instance]) -> None:
    for each in instances:
        each.ends_at = time.monotonic() + FINISHING_S
    time.sleep(STOPPING_S)


@contextmanager
def asking(router: RouterProcess) -> Iterator[Callable[[], set[int]]]:
    """Return what ends the asking and says which statuses there were."""
    over = threading.Event()
    statuses: set[int] = set()

    def ask() -> None:
        with httpx.Client(headers={"Host": "a.apps.test"}) as client:
            while not over.is_set():
                statuses.add(client.post(f"http://{router.address}", content=b"body").status_code)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()

    def end() -> set[int]:
        over.set()
        for asker in askers:
            asker.join()
        return statuses

    yield end
    end()


def test_scaling_down_drops_no_request(stand: Stand, router: RouterProcess) -> None:
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    with asking(router) as end:
        stand.post(f"/v3/processes/{app}/actions/scale", {"instances": 1}, 202)
        assert end() == {200}
