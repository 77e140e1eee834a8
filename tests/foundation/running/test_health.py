"""The probes, against real servers on this host."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import create_server

import pytest

from foundation.model.running import HealthCheck
from foundation.running import health

seen: list[dict[str, str]] = []


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        seen.append(dict(self.headers))
        if self.path == "/slow":
            stop.wait(5)
        self.send_response({"/moved": 302, "/created": 201, "/broken": 500}.get(self.path, 200))
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

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


@pytest.mark.parametrize(
    ("endpoint", "failure"),
    [
        ("/", None),
        ("/moved", None),
        ("/created", "received status code 201"),
        ("/broken", "received status code 500"),
        ("/slow", "timed out after 0.30 seconds"),
    ],
)
def test_http_is_healthy_only_with_200(port: int, endpoint: str, failure: str | None) -> None:
    check = HealthCheck(type="http", endpoint=endpoint, invocation_timeout_s=0.3)
    expected = f"Failed to make HTTP request to '{endpoint}' on port {port}: {failure}" if failure else None
    assert health.failure(check, "127.0.0.1", port) == expected


def test_http_is_asked_as_the_platform_does_and_not_by_a_proxy(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen.clear()
    assert health.failure(HealthCheck(type="http"), "127.0.0.1", port) is None
    assert seen[0]["User-Agent"] == "diego-healthcheck"
    assert seen[0]["X-Forwarded-Proto"] == "https"


def test_a_port_is_healthy_as_soon_as_it_accepts(port: int) -> None:
    assert health.failure(HealthCheck(), "127.0.0.1", port) is None


def test_a_closed_port_is_refused() -> None:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = f"Failed to make TCP connection to 127.0.0.1:{port}: connection refused"
    assert health.failure(HealthCheck(), "127.0.0.1", port) == refused
    http = f"Failed to make HTTP request to '/' on port {port}: connection refused"
    assert health.failure(HealthCheck(type="http"), "127.0.0.1", port) == http


def test_a_process_is_not_asked() -> None:
    assert health.failure(HealthCheck(type="process"), "", 8080) is None


def test_a_container_without_an_address_is_not_healthy() -> None:
    assert health.failure(HealthCheck(), "", 8080) == "the container has no address"
