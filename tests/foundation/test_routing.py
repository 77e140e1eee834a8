"""The router as a process: its table, its restart, and what a new server finds of it."""

import http.client
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from foundation import authority, daemon
from foundation.failures import ProgramError
from foundation.model.routing import Backend, Route
from foundation.routing import RouterProcess, Tls
from tests.foundation.engine_fixtures import until

MakeRouter = Callable[[], RouterProcess]


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"hello by {self.headers['X-Forwarded-Proto']}".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backend() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ("a-folder-whose-path-is-too-long-for-a-unix-socket" * 3)


@pytest.fixture
def make_router(programs: Path, state: Path) -> Iterator[MakeRouter]:
    made: list[RouterProcess] = []

    def make() -> RouterProcess:
        router = RouterProcess(program=programs / "router", listen="127.0.0.1:0", state=state)
        made.append(router)
        return router

    yield make
    for router in made:
        router.stop()


def at(address: str) -> Backend:
    """Return the only instance of an app."""
    return Backend(
        address=address,
        app_guid="app",
        process_guid="process",
        process_type="web",
        index=0,
        instance_guid="instance",
    )


def get(router: RouterProcess, host: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(router.address, timeout=10)
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read()


def pid(router: RouterProcess) -> int:
    process = vars(router)["_process"]
    assert isinstance(process, daemon.Process)
    return process.pid


def test_a_swapped_table_is_what_the_router_serves(make_router: MakeRouter, backend: str) -> None:
    router = make_router()
    router.start()
    assert get(router, "a.apps.localhost")[0] == 404
    router.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    assert get(router, "a.apps.localhost") == (200, b"hello by http")
    router.swap([])
    assert get(router, "a.apps.localhost")[0] == 404


def test_a_router_that_dies_comes_back_on_its_port_with_its_routes(
    make_router: MakeRouter, backend: str
) -> None:
    router = make_router()
    router.start()
    router.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    first, address = pid(router), router.address
    os.kill(first, signal.SIGKILL)
    until(lambda: pid(router) != first and _serves(router))
    assert router.address == address


def _serves(router: RouterProcess) -> bool:
    try:
        return get(router, "a.apps.localhost")[0] == 200
    except OSError:
        return False


def test_a_new_server_takes_over_the_router_that_a_killed_one_left(
    make_router: MakeRouter, backend: str
) -> None:
    left = make_router()
    left.start()
    left.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    router = make_router()
    router.start()
    assert (pid(router), router.address) == (pid(left), left.address)
    assert get(router, "a.apps.localhost")[0] == 200
    vars(left)["_stopping"].set()  # as if its server had been killed
    router.stop()
    assert not daemon.alive(vars(router)["_process"])


def test_a_router_left_on_another_address_is_ended(
    make_router: MakeRouter, programs: Path, state: Path
) -> None:
    left = make_router()
    left.start()
    vars(left)["_stopping"].set()
    other = RouterProcess(program=programs / "router", listen=left.address, state=state)
    other.start()
    try:
        assert pid(other) != pid(left)
        assert not daemon.alive(vars(left)["_process"])
    finally:
        other.stop()


def test_a_taken_port_is_an_error_with_the_routers_words(
    make_router: MakeRouter, programs: Path, backend: str, tmp_path: Path
) -> None:
    router = RouterProcess(program=programs / "router", listen=backend, state=tmp_path / "taken")
    with pytest.raises(ProgramError, match=f"cannot serve on {backend}: .*address already in use"):
        router.start()


def test_a_router_carries_the_mark_of_the_clone_that_it_belongs_to(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASE_TRAIN_CLONE", "of-this-test")
    monkeypatch.setenv("OF_NO_CONCERN", "1")
    router = make_router()
    router.start()
    variables = Path(f"/proc/{pid(router)}/environ").read_bytes().split(b"\0")
    assert b"RELEASE_TRAIN_CLONE=of-this-test" in variables
    assert b"OF_NO_CONCERN=1" not in variables


def test_a_daemon_inherits_no_descriptor_and_has_its_own_session(
    make_router: MakeRouter, state: Path
) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        router = make_router()
        router.start()
        held = {str(path.readlink()) for path in Path(f"/proc/{pid(router)}/fd").iterdir()}
        assert not any(name.startswith("pipe:") for name in held)
        assert os.getsid(pid(router)) == pid(router)
        assert str(state / "router.log") in held
    finally:
        os.close(reading)
        os.close(writing)


@pytest.fixture
def make_secure_router(programs: Path, state: Path) -> Iterator[MakeRouter]:
    made: list[RouterProcess] = []

    def make() -> RouterProcess:
        found = authority.ensure(state, "apps.localhost")
        tls = Tls(
            listen="127.0.0.1:0",
            authority=found.authority,
            certificate=found.certificate,
            key=found.key,
        )
        router = RouterProcess(program=programs / "router", listen="127.0.0.1:0", state=state, tls=tls)
        made.append(router)
        return router

    yield make
    for router in made:
        router.stop()


def get_securely(router: RouterProcess, host: str) -> tuple[int, bytes]:
    """Ask as one who trusts the authority, and this name."""
    assert router.tls is not None
    assert router.tls_address is not None
    address, _, port = router.tls_address.partition(":")
    trusting = ssl.create_default_context(cafile=str(router.tls.authority))
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((address, int(port)), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as secure,
    ):
        secure.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: secure.recv(1 << 16), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_an_app_answers_with_tls_and_is_told_so(
    make_secure_router: MakeRouter, backend: str, state: Path
) -> None:
    router = make_secure_router()
    router.start()
    router.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    assert get_securely(router, "a.apps.localhost") == (200, b"hello by https")
    assert get(router, "a.apps.localhost") == (200, b"hello by http")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        get_securely(router, "a.example.com")
    assert (state / "router.key").stat().st_mode & 0o777 == 0o600


def test_a_router_is_taken_over_only_with_the_same_certificate(
    make_secure_router: MakeRouter, backend: str, state: Path
) -> None:
    left = make_secure_router()
    left.start()
    vars(left)["_stopping"].set()  # as if its server had been killed
    same = make_secure_router()
    same.start()
    assert (pid(same), same.tls_address) == (pid(left), left.tls_address)
    vars(same)["_stopping"].set()
    (state / "router.pem").unlink()
    other = make_secure_router()
    other.start()
    assert pid(other) != pid(left)
    other.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    assert get_securely(other, "a.apps.localhost")[0] == 200


def test_a_secure_router_that_dies_comes_back_on_both_its_ports(
    make_secure_router: MakeRouter, backend: str
) -> None:
    router = make_secure_router()
    router.start()
    router.swap([Route(host="a.apps.localhost", path="", backends=[at(backend)])])
    before = pid(router), router.address, router.tls_address
    os.kill(before[0], signal.SIGKILL)
    until(lambda: pid(router) != before[0] and _serves(router))
    assert (router.address, router.tls_address) == before[1:]
    assert get_securely(router, "a.apps.localhost")[0] == 200
