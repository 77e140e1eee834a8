"""The probes, against real servers on this host."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_server

import pytest

from foundation.model.running import HealthCheck
from foundation.running import health

LARGE = 32 << 20  # bytes, more than lie between two sockets

seen: list[dict[str, str]] = []
written = threading.Event()


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        seen.append(dict(self.headers))
        if self.path == "/slow":
            stop.wait(5)
        self.send_response(
            {"/moved": 302, "/round": 302, "/created": 201, "/broken": 500}.get(self.path, 200)
        )
        self.send_header("Location", "/round" if self.path == "/round" else "/")
        lengths = {"/slow-body": 9, "/short-body": 9, "/large": LARGE}
        self.send_header("Content-Length", str(lengths.get(self.path, 0)))
        self.end_headers()
        if self.path == "/large":
            self.wfile.write(bytes(LARGE))
            written.set()
        if self.path == "/slow-body":
            stop.wait(5)

    def log_message(self, *_: object) -> None:
        pass


stop = threading.Event()


@pytest.fixture
def port() -> Iterator[int]:
    stop.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        stop.set()
        server.shutdown()


def failures(check: HealthCheck, *ports: int, address: str = "127.0.0.1") -> list[str | None]:
    """Ask each port and return what is wrong with it, without the milliseconds."""
    found = [probe() for probe in health.probes(check, address, ports)]
    return [text and re.sub(r" in \d+ms$", " in Nms", text) for text in found]


@pytest.mark.parametrize(
    ("endpoint", "failure"),
    [
        ("/", None),
        ("/moved", None),
        ("/slow-body", None),
        ("/short-body", None),
        ("/created", "received status code 201 in Nms"),
        ("/broken", "received status code 500 in Nms"),
        ("/slow", "timed out after 0.30 seconds"),
        ("/round", "connection refused"),
    ],
)
def test_trap_16_http_is_healthy_only_with_200(port: int, endpoint: str, failure: str | None) -> None:
    check = HealthCheck(type="http", endpoint=endpoint, invocation_timeout_s=0.3)
    expected = f"failed to make HTTP request to '{endpoint}' on port {port}: {failure}" if failure else None
    assert failures(check, port) == [expected]


def test_http_is_asked_as_the_platform_does_and_not_by_a_proxy(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen.clear()
    assert failures(HealthCheck(type="http"), port) == [None]
    assert seen[0]["User-Agent"] == "diego-healthcheck"
    assert seen[0]["X-Forwarded-Proto"] == "https"


def test_http_reads_the_body_so_that_the_app_sees_no_error(port: int) -> None:
    written.clear()
    assert failures(HealthCheck(type="http", endpoint="/large", invocation_timeout_s=10), port) == [None]
    assert written.wait(10)


def test_a_port_is_healthy_as_soon_as_it_accepts(port: int) -> None:
    assert failures(HealthCheck(), port) == [None]


@pytest.fixture
def closed() -> int:
    with create_server(("127.0.0.1", 0)) as free:
        found: int = free.getsockname()[1]
    return found


def test_a_closed_port_is_refused(closed: int) -> None:
    address = f"127.0.0.1:{closed}"
    refused = f"failed to make TCP connection to {address}: dial tcp {address}: connect: connection refused"
    assert failures(HealthCheck(), closed) == [refused]
    http = f"failed to make HTTP request to '/' on port {closed}: connection refused"
    assert failures(HealthCheck(type="http"), closed) == [http]


def test_every_port_is_asked_and_by_http_the_first_alone(port: int, closed: int) -> None:
    seen.clear()
    assert failures(HealthCheck(type="http"), port, port) == [None, None]
    assert len(seen) == 1
    for check in (HealthCheck(), HealthCheck(type="http")):
        first, second = failures(check, port, closed)
        assert first is None
        assert second is not None
        assert second.startswith(f"failed to make TCP connection to 127.0.0.1:{closed}: ")


def test_a_process_or_a_worker_without_ports_is_not_asked() -> None:
    assert failures(HealthCheck(type="process"), 8080) == []
    assert failures(HealthCheck()) == []


def test_a_container_without_an_address_is_not_healthy() -> None:
    for check in (HealthCheck(), HealthCheck(type="http")):
        assert failures(check, 8080, address="") == ["failure to find suitable interface"]
