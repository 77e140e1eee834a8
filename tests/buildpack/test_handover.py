"""The repository itself is a buildpack: the scripts in bin/ hand over to those in buildpack/bin."""

import shutil
import subprocess
from pathlib import Path

import pytest

from releaser import config
from releaser.model import BUILDPACK, PINS
from tests.buildpack.file_server import FileServer
from tests.buildpack.staging_area import PROGRAM, ROOT, SCRIPTS, Staging, pin, staging, unreleased

HANDED_OVER = ("detect", "finalize", "supply")


@pytest.fixture
def clone(tmp_path: Path, server: FileServer) -> Staging:
    """A staging with a copy of what a git URL gives, in a folder whose name has a space."""
    root = tmp_path / "a clone"
    shutil.copytree(ROOT / "bin", root / "bin")
    shutil.copy(ROOT / "sidecar.yml", root)
    name = config.load(ROOT / "sidecar.yml").name
    pin(unreleased(root / BUILDPACK), server.url(), name=name)
    return staging(tmp_path / "the staging", root, name=name)


def test_supply_of_the_repository_installs_the_program(clone: Staging) -> None:
    done = clone.supply()
    assert (done.code, done.err) == (0, "")
    assert [path.read_bytes() for path in clone.installed] == [PROGRAM, PROGRAM]


@pytest.mark.parametrize("name", HANDED_OVER)
def test_arguments_and_exit_code_are_handed_over_as_they_are(tmp_path: Path, name: str) -> None:
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    (tmp_path / BUILDPACK / "bin").mkdir(parents=True)
    script = tmp_path / BUILDPACK / "bin" / name
    script.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 42\n")
    script.chmod(0o755)
    argv: list[str | Path] = [tmp_path / "bin" / name, "two words", "", "$HOME *"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (42, "<two words><><$HOME *>")


@pytest.mark.parametrize("folder", [ROOT / "bin", SCRIPTS], ids=["bin", "buildpack-bin"])
def test_every_script_is_there_and_executable_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(HANDED_OVER)
    assert all(path.stat().st_mode & 0o111 == 0o111 for path in folder.iterdir())


def test_the_buildpacks_folder_holds_its_scripts_and_pins_only() -> None:
    assert {path.name for path in (ROOT / BUILDPACK).iterdir()} <= {"bin", *PINS}
