"""A real S3 server with the proxy before it, and a bare repository behind the gate."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from faults import store
from faults.gate import Gate
from faults.proxy import Proxy
from faults.store import ACCESS_KEY, SECRET_KEY, Server
from faults.subject import commit, git
from faults.watch import Event, Strike, Treatment, Watch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def free_port() -> int:
    ports = random.sample(range(23000, 30000), 7000)
    return next(port for port in ports if store.is_free(port))


@dataclass(frozen=True)
class Struck:
    """The proxy with a strike at the next request, and a client that never tries twice."""

    proxy: Proxy
    client: "S3Client"

    def at(self, what: str, key: str, name: str, amount: float = 0) -> Watch:
        watch = Watch([strike(Event(what=what, on=key, nth=1), name, amount)])
        self.proxy.watch = watch
        return watch


def strike(event: Event, name: str, amount: float = 0) -> Strike:
    return Strike(at=event, side="before", act=lambda _: Treatment(name=name, amount=amount))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("weed"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="session")
def struck(server: Server) -> Iterator[Struck]:
    proxy, port = Proxy(server), free_port()
    proxy.start(port)
    config: Any = Config(
        s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={}, read_timeout=10
    )
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=config,
    )
    yield Struck(proxy, client)
    proxy.stop()


@dataclass(frozen=True)
class Served:
    """A bare repository behind the gate, and a checkout that is one commit ahead of it."""

    gate: Gate
    url: str
    checkout: Path

    @property
    def main(self) -> str:
        return git(self.gate.remote, "rev-parse", "main")

    @property
    def head(self) -> str:
        return git(self.checkout, "rev-parse", "HEAD")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    checkout, remote = tmp_path / "checkout", tmp_path / "remote.git"
    checkout.mkdir()
    git(checkout, "init", "--quiet", "--initial-branch=main", "--template=")
    (checkout / "file").write_text("1")
    commit(checkout, "feat: one", 1_767_225_600)
    git(tmp_path, "clone", "--quiet", "--bare", "--template=", str(checkout), str(remote))
    (checkout / "file").write_text("2")
    commit(checkout, "feat: two", 1_767_225_600)
    gate, port = Gate(remote), free_port()
    gate.start(port)
    yield Served(gate, f"git://127.0.0.1:{port}/remote.git", checkout)
    gate.stop()
