"""The fixtures as files: manifests as the story has them, folders that can be uploaded by themselves.

The story is this project's; a fork's apps tell its own, and acceptance alone says whether they are right.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaser import config
from tests.buildpack.staging_area import NAME, ROOT

FIXTURES = ROOT / "fixtures"
FINAL = FIXTURES / "ruby_buildpack"
APPS = sorted(path.parent.name for path in FIXTURES.glob("*/manifest.yml"))
RUBY = [app for app in APPS if (FIXTURES / app / "Gemfile").exists()]
SETTINGS = config.load(ROOT / "sidecar.yml")

the_story = pytest.mark.skipif(SETTINGS.name != NAME, reason="a fork's apps are its own")


def manifest(app: str) -> dict[str, Any]:
    """Return the one application of an app's manifest."""
    (application,) = yaml.safe_load((FIXTURES / app / "manifest.yml").read_text())["applications"]
    assert isinstance(application, dict)
    return application


@the_story
def test_rubyapp_is_described_as_the_story_has_it() -> None:
    assert manifest("rubyapp") == {
        "name": "app-using-config-server",
        "path": ".",
        "instances": 1,
        "memory": "256M",
        "disk_quota": "512M",
        "stack": "cflinuxfs4",
        "env": {"CONFIG_SERVER_PORT": 8082},
        "buildpacks": [f"{NAME}_buildpack", "ruby_buildpack"],
        "sidecars": [{"name": NAME, "process_types": ["web"], "command": f"./{NAME}"}],
    }


@the_story
def test_rubyapps_sidecar_is_the_one_that_sidecar_yml_describes() -> None:
    described = SETTINGS.sidecar
    (sidecar,) = manifest("rubyapp")["sidecars"]
    assert sidecar["command"] == described.command
    assert sidecar["process_types"] == list(described.process_types)
    assert described.port_variable in manifest("rubyapp")["env"]


@the_story
def test_the_other_apps_differ_from_rubyapp_just_in_what_their_names_say() -> None:
    expected = manifest("rubyapp")
    del expected["env"]
    assert manifest("app_whose_sidecar_lacks_its_port") == {
        **expected,
        "name": "app-whose-sidecar-lacks-its-port",
    }
    del expected["sidecars"]
    assert manifest("app_without_sidecar") == {**expected, "name": "app-without-sidecar"}


@pytest.mark.parametrize("app", APPS)
def test_an_app_needs_nothing_from_outside_its_folder(app: str) -> None:
    paths = list((FIXTURES / app).rglob("*"))
    assert paths
    assert not any(path.is_symlink() for path in paths)
    assert not any(path.name == SETTINGS.name for path in paths)


@pytest.mark.parametrize("app", RUBY)
def test_an_apps_lock_names_every_gem_of_its_gemfile(app: str) -> None:
    wanted = set(re.findall(r'^gem "(\S+)"', (FIXTURES / app / "Gemfile").read_text(), re.MULTILINE))
    locked = set(re.findall(r"^    (\S+) \(", (FIXTURES / app / "Gemfile.lock").read_text(), re.MULTILINE))
    assert wanted
    assert wanted <= locked


def test_the_stand_in_detects_apps_with_a_gemfile_only(tmp_path: Path) -> None:
    def detect() -> tuple[int, str]:
        done = subprocess.run(
            [FINAL / "bin" / "detect", tmp_path], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert detect() == (1, "")
    (tmp_path / "Gemfile").touch()
    assert detect() == (0, "ruby (stand-in)\n")


@the_story
def test_the_stand_ins_default_command_is_that_of_the_procfiles(tmp_path: Path) -> None:
    done = subprocess.run([FINAL / "bin" / "release", tmp_path], capture_output=True, check=True)
    processes = yaml.safe_load(done.stdout)["default_process_types"]
    assert set(processes) == {"web"}
    assert "$PORT" in processes["web"]
    for app in APPS:
        assert yaml.safe_load((FIXTURES / app / "Procfile").read_text()) == processes


def test_the_stand_ins_scripts_can_be_executed() -> None:
    scripts = sorted((FINAL / "bin").iterdir())
    assert [path.name for path in scripts] == ["detect", "finalize", "release"]
    assert all(os.access(path, os.X_OK) for path in scripts)
