"""The traps of zips that are uploaded through the API and staged in real containers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.staging.stager import ContainerStager
from tests.foundation.api.stand import Stand, running
from tests.foundation.engine_fixtures import zip_of
from tests.foundation.staging.stagings import FINAL, supply
from tests.foundation.traps.buildpacks import by_curl, zip_without_modes

pytestmark = pytest.mark.engine

AS_SIDECAR = """cat >$3/$4/launch.yml <<.
processes: [{type: config-server, command: ./config-server, platforms: {cloudfoundry: {sidecar_for: [web]}}}]
."""
FAILED = ("FAILED", "StagingError - Staging error: staging failed")


@pytest.fixture
def stand(stager: ContainerStager, tmp_path: Path) -> Iterator[Stand]:
    """Return a foundation that stages in containers."""
    (tmp_path / "state").mkdir()
    with running(tmp_path / "state", stager=stager) as found:
        upload(found, "last", zip_of(tmp_path / "last.zip", FINAL))
        yield found


def upload(stand: Stand, name: str, archive: Path) -> None:
    guid = stand.post("/v3/buildpacks", {"name": name})["guid"]
    job = stand.job(stand.upload(f"/v3/buildpacks/{guid}/upload", archive.read_bytes()))
    assert job["state"] == "COMPLETE", job


def test_trap_6_a_procfile_line_with_the_sidecars_name_makes_it_a_process(
    stand: Stand, tmp_path: Path
) -> None:
    upload(stand, "first", zip_of(tmp_path / "first.zip", supply(AS_SIDECAR)))
    app = stand.create_app("a")
    found = []
    for procfile in ("web: ./other", "config-server: ./mine"):
        build = stand.build(app, {"Procfile": procfile}, buildpacks=["first", "last"])
        stand.assign(app, build["droplet"]["guid"])
        types = [row["type"] for row in stand.get(f"/v3/apps/{app}/processes")["resources"]]
        sidecars = [row["name"] for row in stand.get(f"/v3/apps/{app}/sidecars")["resources"]]
        found.append((sorted(types), sidecars))
    assert found == [(["web"], ["config-server"]), (["config-server", "web"], [])]


@pytest.mark.parametrize("attributes", [0, 0o600 << 16], ids=["none", "as-python-writes-them"])
def test_trap_20_a_zip_without_modes_is_permission_denied(
    stand: Stand, tmp_path: Path, attributes: int
) -> None:
    upload(stand, "first", zip_without_modes(tmp_path / "first.zip", supply("true"), attributes))
    app = stand.create_app("a")
    build = stand.build(app, buildpacks=["first", "last"])
    assert (build["state"], build["error"]) == FAILED
    said = [text for source, text in stand.log(app) if source == "STG"]
    assert any("bin/supply: permission denied" in text for text in said)
    assert "Exit status 225" in said


def test_trap_27_a_zip_without_its_downloadurl_fails_staging(stand: Stand, tmp_path: Path) -> None:
    files = {name: text for name, text in by_curl("http://unused").items() if name != ".downloadurl"}
    upload(stand, "first", zip_of(tmp_path / "first.zip", files))
    app = stand.create_app("a")
    build = stand.build(app, buildpacks=["first", "last"])
    assert (build["state"], build["error"]) == FAILED
    said = [text for source, text in stand.log(app) if source == "STG"]
    assert "cat: .downloadurl: No such file or directory" in said
    assert any(text.startswith("curl: (3) ") for text in said)
    assert "Exit status 225" in said
