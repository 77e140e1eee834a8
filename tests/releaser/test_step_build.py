"""Step 1: the sidecar is tested and compiled, with the version inside."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from releaser.errors import SourceError
from releaser.model import Release, sha256
from releaser.steps import build
from tests.releaser.toy import NAME, Stage

pytestmark = pytest.mark.slow

TEST = 'package main\n\nimport "testing"\n\nfunc TestFails(t *testing.T) { t.Fatal("it is broken") }\n'


def test_built_program_says_its_name_and_version_and_building_again_is_a_no_op(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stage.release.binary_path("linux/amd64")
    before = sha256(path)
    path.unlink()
    assert build.find(stage.release) is None
    stage.do("build")
    assert subprocess.check_output([path, "--version"], text=True) == f"{NAME} 0.1.0\n"
    assert sha256(path) == before
    made = path.stat().st_mtime_ns
    stage.do("build")
    assert "already done: toy-linux-amd64" in capsys.readouterr().out
    assert path.stat().st_mtime_ns == made


def test_source_whose_version_was_taken_meanwhile_is_built_anew(stage: Stage) -> None:
    later = Release(replace(stage.release.facts, version="0.1.1"), stage.world)
    replace(stage, release=later).do("build")
    said = subprocess.check_output([later.binary_path("linux/amd64"), "--version"], text=True)
    assert said == f"{NAME} 0.1.1\n"


def test_build_on_another_machine_gives_the_same_bytes(stage: Stage) -> None:
    other = stage.another(stage.here.parent / "elsewhere")
    other.world.repository.fetch()
    other.do("build")
    assert other.release.binaries()[0].digest == stage.release.binaries()[0].digest


def test_source_whose_tests_fail_is_not_built(stage: Stage) -> None:
    stage.release.binary_path("linux/amd64").unlink()
    (stage.release.source / "sidecar_src/main_test.go").write_text(TEST)
    with pytest.raises(SourceError, match="it is broken"):
        stage.do("build")
    assert not stage.release.binary_path("linux/amd64").exists()


def test_program_that_says_another_name_is_refused(stage: Stage) -> None:
    stage.release.binary_path("linux/amd64").unlink()
    source = stage.release.source / "sidecar_src/main.go"
    source.write_text(source.read_text().replace('"toy"', '"boy"'))
    with pytest.raises(SourceError, match=r"says 'boy 0\.1\.0', not 'toy 0\.1\.0'"):
        stage.do("build")
    assert build.find(stage.release) is None


def test_folder_of_the_program_that_is_not_there_is_named(stage: Stage) -> None:
    stage.release.binary_path("linux/amd64").unlink()
    shutil.rmtree(stage.release.source / "sidecar_src")
    with pytest.raises(SourceError, match=r"there is no folder .*sidecar_src"):
        stage.do("build")
