"""What the API answers, and what builds do, while the database is locked or the disk is full."""

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from foundation.failures import EngineError
from foundation.rules import builds
from foundation.store import Db
from tests.foundation.api.stand import Stand, running
from tests.foundation.api.talk import a_zip
from tests.foundation.engine_fixtures import until
from tests.foundation.test_store import locked

SIZE = 3 << 20


class Disk:
    """A file system of a few MiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "filling"

    def fill(self) -> None:
        with self._filling.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 12))

    def free(self) -> None:
        self._filling.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Return a small file system of its own."""
    if os.geteuid():
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture
def cramped(disk: Disk) -> Iterator[Stand]:
    """Return a foundation whose state is on that disk."""
    with running(disk.folder) as found:
        yield found


def refused(answer: Any, *words: str) -> None:
    """Check that an answer is a 503 that says why."""
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["title"]) == (503, "CF-Unavailable")
    assert all(word in error["detail"] for word in words), error


def impatient(stand: Stand) -> None:
    stand.world.store.call(lambda db: db.connection.execute("PRAGMA busy_timeout = 100").fetchall())


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def awaiting(stand: Stand) -> str:
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": stand.create_app()}}}}
    guid: str = stand.post("/v3/packages", body)["guid"]
    return guid


def test_request_while_the_database_is_locked_is_503_and_says_why(stand: Stand, tmp_path: Path) -> None:
    impatient(stand)
    with locked(tmp_path):
        refused(stand.http.get("/v3/apps"), "database cannot be used", "another program has locked it")
    assert stand.get("/v3/apps")["resources"] == []


def test_upload_whose_end_cannot_be_written_leaves_no_file(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = awaiting(stand)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Db, "change", full)
        answer = stand.upload(f"/v3/packages/{package}/upload", a_zip({"a": "b"}))
    assert answer.status_code == 500  # made by hand, it does not have SQLite's code
    assert files(tmp_path / "blobs") == []
    assert stand.get(f"/v3/packages/{package}")["state"] == "AWAITING_UPLOAD"


def test_build_that_ends_while_the_database_is_locked_is_staged_afterwards(
    stand: Stand, tmp_path: Path
) -> None:
    stand.create_buildpack()
    impatient(stand)
    package = stand.create_package(stand.create_app())
    lock = locked(tmp_path)
    stand.stager.before = lock.__enter__
    build = stand.post("/v3/builds", {"package": {"guid": package}})["guid"]
    time.sleep(1)
    lock.__exit__(None, None, None)
    assert stand.ended(build)["state"] == "STAGED"
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    assert [text for _, text in stand.log(app)] == ["-----> Staging", "Exit status"]


def test_foundation_ends_while_the_database_is_locked(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.create_buildpack()
    package = stand.create_package(stand.create_app())
    impatient(stand)
    going = threading.Event()
    stand.stager.before = going.wait
    build = stand.post("/v3/builds", {"package": {"guid": package}})["guid"]
    until(lambda: stand.stager.requests, seconds=10)
    with locked(tmp_path):
        threading.Timer(0.5, going.set).start()
        stand.world.close()
    assert stand.stager.cancelled == [build]
    with running(tmp_path) as after:
        assert after.get(f"/v3/builds/{build}")["error"] == builds.RESTARTED


def test_foundation_ends_though_the_engine_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand(tmp_path)
    stand.create_buildpack()
    package = stand.create_package(stand.create_app())
    going = threading.Event()
    stand.stager.before = going.wait

    def away(_: str) -> None:
        going.set()
        raise EngineError("it is away")

    monkeypatch.setattr(stand.stager, "cancel", away)
    stand.post("/v3/builds", {"package": {"guid": package}})
    until(lambda: stand.stager.requests, seconds=10)
    stand.world.close()
    assert stand.stager.closed


def test_upload_that_fills_the_disk_is_503_and_leaves_no_file(cramped: Stand, disk: Disk) -> None:
    package = awaiting(cramped)
    before = files(disk.folder)
    answer = cramped.upload(f"/v3/packages/{package}/upload", a_zip({"large": "x" * SIZE}))
    refused(answer, "the disk is full")
    assert files(disk.folder) == before
    assert cramped.get(f"/v3/packages/{package}")["state"] == "AWAITING_UPLOAD"
    small = cramped.upload(f"/v3/packages/{package}/upload", a_zip({"small": "x"}))
    assert small.json()["state"] == "READY"


def test_full_disk_is_503_for_what_writes_and_nothing_for_what_reads(cramped: Stand, disk: Disk) -> None:
    relation = {"space": {"data": {"guid": cramped.space}}}
    disk.fill()
    for number in range(100):  # SQLite may still have room in its own file
        answer = cramped.http.post("/v3/apps", json={"name": f"a{number}", "relationships": relation})
        if answer.status_code != 201:
            break
    refused(answer, "database cannot be used", "the disk is full")
    assert len(cramped.get("/v3/apps")["resources"]) == number
    disk.free()
    cramped.create_app("afterwards")


def test_build_that_ends_on_a_full_disk_fails_with_all_its_lines_once_there_is_room(
    cramped: Stand, disk: Disk
) -> None:
    cramped.create_buildpack()
    app = cramped.create_app()
    package = cramped.create_package(app)
    cramped.stager.before = disk.fill
    cramped.stager.chatter = ["x" * 1000] * 100
    build = cramped.post("/v3/builds", {"package": {"guid": package}})["guid"]
    time.sleep(1)
    assert cramped.get(f"/v3/builds/{build}")["state"] == "STAGING"
    disk.free()
    ended = cramped.ended(build)
    assert (ended["state"], ended["error"]) == ("FAILED", "StagingError - Staging error: staging failed")
    lines = [text for _, text in cramped.log(app, "limit=1000")]
    assert lines[0] == "-----> Staging"
    assert lines[1:-2] == ["x" * 1000] * 100
    assert "No space left on device" in lines[-1]
