"""The traps of staging, each in a real container."""

import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.model.staging import BuildpackRef
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import Lines, zip_of
from tests.foundation.staging.stagings import FINAL, Request, supply
from tests.foundation.staging.test_network import serving
from tests.foundation.traps.buildpacks import by_curl, zip_without_the_bit

pytestmark = pytest.mark.engine

COMPILE = {"bin/compile": "#!/bin/sh\n", "bin/release": FINAL["bin/release"]}
WITHOUT_XZ = """set -e
mkdir /tmp/few
ln -s "$(command -v tar)" /tmp/few/tar
tar -cJf /tmp/some.tar.xz -C "$1" run.sh
PATH=/tmp/few tar -xJf /tmp/some.tar.xz -C "$3/$4" """


@pytest.mark.parametrize(
    ("files", "script", "code"),
    [(FINAL, "finalize", 223), (COMPILE, "compile", 223), (FINAL, "release", 224)],
    ids=["finalize", "compile", "release"],
)
def test_trap_4_a_script_without_its_execute_bit_is_permission_denied_with_the_steps_code(
    stager: ContainerStager,
    request_of: Request,
    log: Lines,
    tmp_path: Path,
    files: Mapping[str, str],
    script: str,
    code: int,
) -> None:
    archive = zip_without_the_bit(tmp_path / "plain.zip", files, f"bin/{script}")
    last = BuildpackRef(key="key-plain", name="plain", archive=archive)
    result = stager.stage(replace(request_of(), buildpacks=[last]), log)
    assert result.exit_code == code
    (denied,) = [line for line in log.lines if "permission denied" in line.text]
    assert f"bin/{script}: permission denied" in denied.text
    assert (denied.source_type, denied.stream) == ("STG", "ERR")


def test_trap_23_a_stack_without_xz_fails_in_tars_words(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    result = stager.stage(request_of(first=supply(WITHOUT_XZ), last=FINAL), log)
    assert result.exit_code == 225
    assert any("xz: Cannot exec: No such file or directory" in text for text in log.texts("STG"))


def test_trap_26_a_supply_with_curl_fails_with_curls_status(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    with serving(served, engine) as address:
        request = request_of(first=by_curl(f"http://{address}/config-server"), last=FINAL)
        assert stager.stage(replace(request, offline=False), log).exit_code == 225
        assert any(text.startswith("curl: (22) ") and "404" in text for text in log.texts("STG"))
        (served / "config-server").write_text("new")
        assert stager.stage(replace(request, build_guid="build-2"), log).exit_code == 225
        assert any(text.startswith(("curl: (6) ", "curl: (7) ")) for text in log.texts("STG"))


def test_trap_26_a_supply_with_curl_replaces_the_apps_file_of_the_same_name(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "config-server").write_text("new")
    package = zip_of(tmp_path / "own.zip", {"config-server": "the app's own", "run.sh": ""})
    with serving(served, engine) as address:
        request = request_of(first=by_curl(f"http://{address}/config-server"), last=FINAL)
        result = stager.stage(replace(request, package=package, offline=False), log)
    assert result.exit_code == 0, log.texts()
    with tarfile.open(request.droplet) as droplet:
        found = droplet.extractfile("./app/config-server")
        assert found is not None
        assert found.read() == b"new"


def test_trap_28_a_buildpack_that_cannot_be_downloaded_is_exit_1_before_any_script(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    request = request_of(first=supply("echo supply ran"))
    with serving(served, engine) as address:
        url = f"http://{address}/gone.zip"
        packs = [*request.buildpacks, BuildpackRef(key=url, name=url, archive=None)]
        result = stager.stage(replace(request, buildpacks=packs, offline=False), log)
    assert (result.exit_code, result.result) == (1, None)
    assert any("404" in text for text in log.texts("STG")), log.texts()
    assert "supply ran" not in log.texts()
