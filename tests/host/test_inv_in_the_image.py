"""The bootstrap script in the task image: it takes what is baked, or says which image is needed."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.host.test_inv import CHECKOUT, LOCK, TOOLS

MORE = ("basename", "cut", "date", "ln", "ls", "sed", "sh", "sha256sum")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A checkout in a task, and what the image brings; no Python is on its PATH."""

    source: Path
    home: Path
    bin: Path

    def start(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.source / "inv", *words],
            cwd=self.source.parent,
            env={"PATH": str(self.bin), "TRAIN_HOME": str(self.home), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def tag(self) -> str:
        argv = [self.source / "ci/image/tag"]
        env = {"PATH": str(self.bin)}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def task(tmp_path: Path) -> Task:
    made = Task(source=tmp_path / "build/source", home=tmp_path / "train", bin=tmp_path / "bin")
    shutil.copytree(CHECKOUT / "ci/image", made.source / "ci/image")
    for name in ("inv", "sidecar.yml"):
        shutil.copy(CHECKOUT / name, made.source)
    (made.source / "requirements.lock").write_text(LOCK)
    made.bin.mkdir()
    for tool in {*TOOLS, *MORE}:
        (made.bin / tool).symlink_to(shutil.which(tool) or "/nowhere")
    python = made.home / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$0 $*"\n')
    python.chmod(0o755)
    (made.home / "env/requirements.lock").write_text(LOCK)
    for name in ("programs", "cache/go-mod", "cache/go-build"):
        (made.home / name).mkdir(parents=True)
        (made.home / name / "file").write_text("baked")
    (made.home / "image-tag").write_text(f"{made.tag()}\n")
    return made


def test_baked_environment_is_used_and_nothing_is_made(task: Task) -> None:
    done = task.start("--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{task.home}/env/bin/python -m invoke --list\n"
    local = task.source / ".local"
    assert sorted(path.name for path in local.iterdir()) == ["cache", "env", "programs"]
    assert (local / "env").readlink() == task.home / "env"
    assert (local / "programs/file").read_text() == "baked"
    assert (local / "cache/go-build").readlink() == task.home / "cache/go-build"


def test_cache_that_concourse_made_is_filled_and_a_used_one_is_left(task: Task) -> None:
    cache = task.source / ".local/cache"
    (cache / "go-mod").mkdir(parents=True)
    (cache / "go-build").mkdir()
    (cache / "go-build/file").write_text("used")
    for _ in range(2):
        assert task.start().returncode == 0
    assert not (cache / "go-mod").is_symlink()
    assert (cache / "go-mod/file").read_text() == "baked"
    assert sorted(path.name for path in (cache / "go-build").iterdir()) == ["file", "trim.txt"]
    assert (cache / "go-build/file").read_text() == "used"


def test_go_is_told_that_what_is_baked_is_not_old(task: Task) -> None:
    trimmed = task.home / "cache/go-build/trim.txt"
    trimmed.write_text("1")
    assert task.start().returncode == 0
    assert abs(int(trimmed.read_text()) - time.time()) < 60


@pytest.mark.parametrize("what", ["image", "recipe", "lock", "nothing known"])
def test_image_of_another_checkout_stops_at_once_and_names_both(task: Task, what: str) -> None:
    before = said = task.tag()
    if what == "lock":
        said += ", whose environment is of another requirements.lock"
    if what == "image":
        said = "0123456789ab"
        (task.home / "image-tag").write_text(f"{said}\n")
    elif what == "recipe":
        (task.source / "ci/image/packages").write_text("git=1\n")
    elif what == "lock":
        (task.source / "requirements.lock").write_text(LOCK.replace("other==1", "other==2"))
    else:
        said = f"none (no {task.home}/image-tag)"
        (task.home / "image-tag").unlink()
    begun = time.monotonic()
    done = task.start("build")
    assert time.monotonic() - begun < 1
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Error: the task image is {said}, but this checkout needs {task.tag()}\n" in done.stderr
    assert (task.tag() == before) == (what in ("image", "nothing known"))
    for remedy in ("ci/image.yml", "./inv image --push", "./inv image --write"):
        assert remedy in done.stderr
    assert not (task.source / ".local").exists()


def test_environment_that_is_not_of_the_lock_is_refused_though_the_tag_is_right(task: Task) -> None:
    (task.home / "env/requirements.lock").write_text("other==3\n")
    done = task.start()
    assert done.returncode == 1
    assert f"the task image is {task.tag()}, whose environment is of another requirements.lock" in done.stderr


def test_next_image_is_made_in_the_one_before(task: Task) -> None:
    (task.home / "image-tag").write_text("0123456789ab\n")
    done = task.start("image", "--save", "image.tar")
    assert (done.returncode, done.stdout.split(" ", 1)[1]) == (0, "-m invoke image --save image.tar\n")


def test_empty_variable_stands_for_none(task: Task) -> None:
    done = task.start(TRAIN_HOME="")
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr


def test_tag_is_of_names_and_contents_alone(task: Task) -> None:
    tag, packages = task.tag(), task.source / "ci/image/packages"
    packages.chmod(0o600)
    os.utime(packages, (0, 0))
    assert task.tag() == tag
    packages.rename(packages.with_name("pins"))
    assert task.tag() != tag


@pytest.mark.parametrize(
    "text",
    [
        "go: {version: 1.27.4, targets: [linux/amd64]}\n",
        'name: a\ngo:\n  # version: 1.2\n  version: "1.27.4"  # newest\n',
        "sidecar:\n  version: 9.9\ngo:\n  targets: [linux/amd64]\n  version: 1.27.4\nlast: {version: 8}\n",
    ],
)
def test_of_the_settings_only_the_version_of_go_counts(task: Task, text: str) -> None:
    settings = task.source / "sidecar.yml"
    tag = task.tag()
    settings.write_text(settings.read_text().replace("1.27.3", "1.27.4"))
    other = task.tag()
    assert other != tag
    settings.write_text(text)
    assert task.tag() == other


def test_settings_without_a_version_of_go_are_refused(task: Task) -> None:
    (task.source / "sidecar.yml").write_text("name: a\n")
    done = task.start()
    assert (done.returncode, done.stderr) == (1, "Error: sidecar.yml names no go.version\n")
