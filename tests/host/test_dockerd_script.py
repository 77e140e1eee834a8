"""The engine's start script of the task image: what it tells the engine, and what it does before."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "ci/image/dockerd"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A machine's folders, and an engine's program that prints what it is told."""

    root: Path

    @property
    def devices(self) -> Path:
        return self.root / "cgroup/devices/devices.allow"

    def start(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script; its output is the engine's words, one a line."""
        paths = {
            "DOCKERD_PROGRAM": str(self.root / "real"),
            "DOCKERD_CGROUP": str(self.root / "cgroup"),
            "DOCKERD_SCRATCH": str(self.root / "scratch"),
        }
        argv = [str(SCRIPT), *words]
        return subprocess.run(argv, env={**paths, **environment}, capture_output=True, text=True, check=False)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    made = Task(root=tmp_path)
    (tmp_path / "real").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "real").chmod(0o755)
    return made


def test_control_groups_of_version_1_allow_devices_first(task: Task) -> None:
    task.devices.parent.mkdir(parents=True)
    task.devices.write_text("")
    assert task.start().returncode == 0
    assert task.devices.read_text() == "a\n"


def test_without_control_groups_of_version_1_nothing_is_written(task: Task) -> None:
    done = task.start()
    assert (done.returncode, done.stderr) == (0, "")
    assert not task.devices.exists()


def test_task_that_is_not_privileged_is_told_and_the_engine_says_the_rest(task: Task) -> None:
    task.devices.mkdir(parents=True)  # as good as a file that nobody may write
    done = task.start()
    assert done.returncode == 0
    assert "is this task privileged?" in done.stderr


def test_data_lies_in_scratch_where_there_is_one(task: Task) -> None:
    assert "--data-root" not in task.start().stdout
    (task.root / "scratch").mkdir()
    words = task.start().stdout.splitlines()
    assert words[words.index("--data-root") + 1] == str(task.root / "scratch/docker")


def test_networks_are_none_of_dockers_own(task: Task) -> None:
    words = task.start().stdout.splitlines()
    assert words[words.index("--bip") + 1] == "198.18.0.1/24"
    assert words[words.index("--default-address-pool") + 1] == "base=198.19.0.0/16,size=24"
    words = task.start(
        DOCKERD_BRIDGE="10.1.0.1/24", DOCKERD_POOL="base=10.2.0.0/16,size=24"
    ).stdout.splitlines()
    assert words[words.index("--bip") + 1] == "10.1.0.1/24"
    assert words[words.index("--default-address-pool") + 1] == "base=10.2.0.0/16,size=24"


def test_registries_without_tls_are_those_that_are_named(task: Task) -> None:
    assert "--insecure-registry" not in task.start().stdout
    words = task.start(DOCKERD_INSECURE_REGISTRIES="one:5000 two").stdout.splitlines()
    named = {words[at + 1] for at, word in enumerate(words) if word == "--insecure-registry"}
    assert named == {"one:5000", "two"}


def test_callers_words_come_last_and_as_they_are(task: Task) -> None:
    words = task.start("--group", "1 2", "--bip", "10.9.0.1/24").stdout.splitlines()
    assert words[-4:] == ["--group", "1 2", "--bip", "10.9.0.1/24"]


def test_engine_takes_the_scripts_place(task: Task) -> None:
    (task.root / "real").write_text("#!/bin/sh\nexit 7\n")
    assert task.start().returncode == 7


def test_page_names_what_it_can_be_told() -> None:
    page = (SCRIPT.parents[2] / "docs/image.md").read_text()
    told = set(re.findall(r"DOCKERD_\w+", SCRIPT.read_text()))
    for_tests = {"DOCKERD_PROGRAM", "DOCKERD_CGROUP", "DOCKERD_SCRATCH"}
    assert set(re.findall(r"^\| `(DOCKERD_\w+)`", page, re.MULTILINE)) == told - for_tests
