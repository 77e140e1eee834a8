"""Staging in real containers, asked for through the API."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.staging.stager import ContainerStager
from tests.foundation.api.stand import Stand, running
from tests.foundation.api.talk import a_zip
from tests.foundation.engine_fixtures import until
from tests.foundation.staging.stagings import FINAL, supply

pytestmark = pytest.mark.engine

HUNGRY = "head -c 200000000 /dev/zero | tail -c 199999999 >/dev/null"


@pytest.fixture
def stand(stager: ContainerStager, tmp_path: Path) -> Iterator[Stand]:
    """Return a foundation that stages in containers with little memory."""
    (tmp_path / "state").mkdir()
    with running(tmp_path / "state", stager=stager, staging_memory_mb=64) as found:
        yield found


def begin(stand: Stand, *buildpacks: Mapping[str, str]) -> tuple[str, str]:
    """Return an app and its build with these buildpacks, in order."""
    names = []
    for number, files in enumerate(buildpacks):
        guid = stand.post("/v3/buildpacks", {"name": f"bp{number}"})["guid"]
        stand.upload(f"/v3/buildpacks/{guid}/upload", a_zip(files, mode=0o755))
        names.append(f"bp{number}")
    app = stand.create_app("a")
    lifecycle = {"type": "buildpack", "data": {"buildpacks": names}}
    body = {"package": {"guid": stand.create_package(app)}, "lifecycle": lifecycle}
    return app, stand.post("/v3/builds", body)["guid"]


def texts(stand: Stand, app: str) -> list[str]:
    return [text for _, text in stand.log(app)]


@pytest.mark.parametrize("owner", ["apps", "spaces", "organizations"])
def test_deletion_amid_a_staging_leaves_nothing_of_it(
    stand: Stand, engine: Engine, tmp_path: Path, owner: str
) -> None:
    app, build = begin(stand, supply("echo begun >$2/kept; echo begun; sleep 1000"), FINAL)
    until(lambda: "begun" in texts(stand, app))
    guids = {"apps": app, "spaces": stand.space}
    guids["organizations"] = stand.get("/v3/organizations")["resources"][0]["guid"]
    stand.delete(f"/v3/{owner}/{guids[owner]}")
    begun = time.monotonic()
    until(lambda: engine.find({}) == [])
    assert time.monotonic() - begun < 2
    stand.world.staging.close()
    stand.get(f"/v3/builds/{build}", 404)
    left = [path.parent.name for path in (tmp_path / "state/blobs").rglob("*") if path.is_file()]
    assert left == ["buildpacks", "buildpacks"]
    assert stand.get("/v3/droplets")["resources"] == []


def test_staging_that_needs_more_memory_than_it_has_fails_and_says_so(stand: Stand) -> None:
    app, build = begin(stand, supply(HUNGRY), FINAL)
    ended = stand.ended(build)
    assert (ended["state"], ended["error"]) == ("FAILED", "StagingError - Staging error: staging failed")
    (said,) = [text for text in texts(stand, app) if text.startswith("Exit status")]
    assert said == "Exit status 225 (out of memory)"  # the kernel ended the script, not the builder
