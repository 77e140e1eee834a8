"""A build whose log is followed as the cf CLI does it: every line is seen before the build has ended."""

import threading
import time

import pytest

from tests.foundation.api.stand import Stand

HIDDEN_NS = 2_000_000_000  # the CLI shows no younger lines


@pytest.fixture
def package(stand: Stand) -> str:
    stand.create_buildpack()
    return stand.create_package(stand.create_app())


def begin(stand: Stand, package: str) -> str:
    build: str = stand.post("/v3/builds", {"package": {"guid": package}})["guid"]
    return build


def test_followed_build_ends_when_its_last_line_could_be_seen(stand: Stand, package: str) -> None:
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    stand.stager.before = lambda: time.sleep(0.5)
    build = begin(stand, package)
    start, shown = 1, []
    while stand.get(f"/v3/builds/{build}")["state"] == "STAGING":
        for text, at in _read(stand, app, start):
            if at < time.time_ns() - HIDDEN_NS:
                shown.append(text)
                start = at + 1
        time.sleep(0.25)
    assert shown == ["-----> Staging", "Exit status"]


def test_build_that_nobody_follows_ends_at_once(stand: Stand, package: str) -> None:
    begun = time.monotonic()
    stand.ended(begin(stand, package))
    stand.log(stand.get("/v3/apps")["resources"][0]["guid"])
    stand.ended(begin(stand, package))
    assert time.monotonic() - begun < 2


def test_hold_does_not_keep_a_foundation_from_ending(stand: Stand, package: str) -> None:
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    held = threading.Event()

    def follow() -> None:
        _read(stand, app, 1)
        held.set()

    stand.stager.before = follow
    begin(stand, package)
    held.wait(10)
    begun = time.monotonic()
    stand.world.staging.close()
    assert time.monotonic() - begun < 1


def _read(stand: Stand, app: str, start: int) -> list[tuple[str, int]]:
    batch = stand.get(f"/api/v1/read/{app}?start_time={start}")["envelopes"]["batch"]
    texts = [text for _, text in stand.log(app, f"start_time={start}")]
    return list(zip(texts, (int(entry["timestamp"]) for entry in batch), strict=False))
