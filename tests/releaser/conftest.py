"""A real S3 for all tests of the releaser, and for each test a world of its own in it."""

import itertools
import json
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import store as embedded_store
from embedded.daemons import Keeper
from embedded.store import S3
from releaser.tools.s3 import Keys, Store
from tests.releaser.snapshots import Snapshots
from tests.releaser.toy import Stage

COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    folder = tmp_path_factory.mktemp("s3")
    first = random.randrange(20000, 31000)  # noqa: S311  # other runs on this machine choose theirs
    ports = {name: first + number for number, name in enumerate(embedded_store.PORTS)}
    (folder / "ports.json").write_text(json.dumps(ports))
    keeper = Keeper(folder=folder / "daemons", clone=f"test-{secrets.token_hex(6)}")
    try:
        yield embedded_store.start(keeper, folder)
    finally:
        keeper.stop("s3", 0.2)


@pytest.fixture(scope="session")
def store(s3: S3) -> Store:
    keys = Keys(access_key_id=s3.access_key_id, secret_access_key=s3.secret_access_key)
    return Store(s3.endpoint, "us-east-1", s3.bucket, keys)


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Snapshots:
    return Snapshots(folder=tmp_path_factory.mktemp("snapshots"), store=store)


@pytest.fixture
def prefix() -> str:
    return f"test{next(COUNTER)}"


@pytest.fixture
def stage(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("build", tmp_path / "toy")


@pytest.fixture
def bumped(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("bump", tmp_path / "toy")


@pytest.fixture
def committed(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("commit", tmp_path / "toy")


@pytest.fixture
def packaged(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("package", tmp_path / "toy")


@pytest.fixture
def accepted(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("accept", tmp_path / "toy")


@pytest.fixture
def promoted(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return snapshots.open("promote", tmp_path / "toy")
