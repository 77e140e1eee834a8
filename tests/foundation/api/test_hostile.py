"""Hostile zips are refused where they are uploaded, and nothing of them is left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.api.stand import Stand, running
from tests.foundation.hostile import HOSTILE, NAMES

LIMIT_MB = 12


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Return a foundation that stages little."""
    with running(tmp_path_factory.mktemp("state"), upload_limit=64 << 20, staging_disk_mb=LIMIT_MB) as found:
        found.create_app()
        found.post("/v3/buildpacks", {"name": "bad"})
        yield found


def files(stand: Stand) -> list[str]:
    folder: Path = stand.world.blobs.root
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_package_is_refused_and_has_failed(stand: Stand, name: str) -> None:
    make, words = HOSTILE[name]
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}
    guid = stand.post("/v3/packages", body)["guid"]
    answer = stand.upload(f"/v3/packages/{guid}/upload", make())
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["title"]) == (400, 160001, "CF-AppBitsUploadInvalid")
    assert error["detail"].startswith("The app upload is invalid: Invalid zip archive (the archive")
    assert words in error["detail"]
    package = stand.get(f"/v3/packages/{guid}")
    assert (package["state"], package["data"]["error"]) == ("FAILED", error["detail"])
    assert files(stand) == []
    assert stand.details("POST", "/v3/builds", {"package": {"guid": guid}}, 400)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bomb"])
def test_hostile_buildpack_fails_its_job(stand: Stand, name: str) -> None:
    make, words = HOSTILE[name]
    guid = stand.get("/v3/buildpacks")["resources"][0]["guid"]
    job = stand.job(stand.upload(f"/v3/buildpacks/{guid}/upload", make()))
    (error,) = job["errors"]
    assert (job["state"], error["code"], error["title"]) == ("FAILED", 390013, "CF-BuildpackZipError")
    assert error["detail"].startswith("Buildpack zip error: the archive")
    assert words in error["detail"]
    assert stand.get(f"/v3/buildpacks/{guid}")["state"] == "AWAITING_UPLOAD"
    assert files(stand) == []
