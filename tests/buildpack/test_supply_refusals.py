"""What bin/supply refuses before it downloads anything: an app's own file, missing or foreign pins."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import project
from tests.buildpack.file_server import FileServer
from tests.buildpack.staging_area import (
    NAME,
    NOWHERE,
    PROGRAM,
    VERSION,
    Staging,
    digest,
    pin,
    staging,
    unreleased,
)

Change = Callable[[Path], object]


def shelved(path: Path) -> Path:
    """Put the program itself there."""
    path.write_bytes(PROGRAM)
    return path


OWN: dict[str, Change] = {
    "file": lambda path: path.write_bytes(b"#!/bin/sh\necho the app's own\n"),
    "folder": lambda path: path.mkdir(),
    "dangling-link": lambda path: path.symlink_to("nowhere"),
    "link-to-the-same": lambda path: path.symlink_to(shelved(path.with_name("mine"))),
}


@pytest.mark.parametrize("kind", OWN)
def test_an_apps_own_file_of_the_name_is_not_overwritten(
    uncached: Staging, server: FileServer, kind: str
) -> None:
    path = uncached.build / NAME
    OWN[kind](path)
    before = (uncached.files(), path.lstat().st_mode, path.is_file() and path.read_bytes())
    done = uncached.supply()
    assert done.code == 1
    assert f"the app has a file of its own named {NAME}" in done.err
    assert ".cfignore" in done.err
    assert (uncached.files(), path.lstat().st_mode, path.is_file() and path.read_bytes()) == before
    assert server.asked == []


@pytest.mark.parametrize("name", ["VERSION", ".downloadurl", "manifest.yml"])
def test_a_buildpack_without_a_pin_says_that_it_is_not_released_yet(uncached: Staging, name: str) -> None:
    (uncached.buildpack / name).unlink()
    done = uncached.supply()
    assert (done.code, done.out) == (1, "")
    assert f"this sidecar buildpack has not been released yet: it has no {name}" in done.err
    assert "./inv release" in done.err
    assert uncached.files() == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".downloadurl", NOWHERE),
        (".downloadurl", f"{NOWHERE}#sha256=abc"),
        (".downloadurl", f"file:///etc/passwd#sha256={digest(PROGRAM)}"),
        (".downloadurl", ""),
        (".downloadurl", f"{NOWHERE}#sha256={digest(PROGRAM)}\nhttp://second.line/"),
        ("VERSION", '1.0"\noutput_metadata: {}'),
        ("VERSION", ""),
        ("manifest.yml", "dependencies: []\n"),
    ],
)
def test_damaged_pins_are_refused(uncached: Staging, server: FileServer, name: str, text: str) -> None:
    (uncached.buildpack / name).write_text(text)
    done = uncached.supply()
    assert (done.code, done.out) == (1, "")
    assert "the pins of this buildpack are damaged" in done.err
    assert server.asked == []
    assert uncached.files() == set()


@pytest.fixture
def repository(tmp_path: Path, server: FileServer) -> Staging:
    """A staging with a repository as its buildpack, as by git URL: sidecar.yml is there beside buildpack/."""
    root = tmp_path / "repository"
    (root / "buildpack").mkdir(parents=True)
    (root / "sidecar.yml").write_text(project.text())
    return staging(tmp_path / "staging", pin(unreleased(root / "buildpack"), server.url()))


@pytest.mark.parametrize("line", [None, f"name: '{NAME}'", f'name: "{NAME}"  # ours', f"name: {NAME} # ours"])
def test_pins_of_the_name_in_sidecar_yml_are_used(repository: Staging, line: str | None) -> None:
    rename(repository, line)
    done = repository.supply()
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["my-server", "config-server-2", "config"])
def test_a_fork_that_has_not_released_refuses_the_pins_that_it_took_over(
    repository: Staging, server: FileServer, name: str
) -> None:
    rename(repository, f"name: {name}")
    done = repository.supply()
    assert (done.code, done.out) == (1, "")
    assert f"sidecar.yml names this buildpack '{name}', but its pins are those of '{NAME}'" in done.err
    assert f"{name} has not been released yet" in done.err
    assert server.asked == []
    assert repository.files() == set()


def test_a_fork_that_has_released_installs_its_own_program(repository: Staging, server: FileServer) -> None:
    rename(repository, "name: my-server")
    pin(repository.buildpack, server.url(), name="my-server")
    done = repository.supply()
    assert done.code == 0, done.err
    assert done.out.startswith(f"-----> Installing my-server v{VERSION}\n")
    assert (repository.build / "my-server").read_bytes() == PROGRAM


def rename(repository: Staging, line: str | None) -> None:
    """Put another line for the name into sidecar.yml."""
    path = repository.buildpack.parent / "sidecar.yml"
    text = path.read_text()
    assert f"\nname: {NAME}\n" in text
    if line:
        path.write_text(text.replace(f"\nname: {NAME}\n", f"\n{line}\n"))


@pytest.mark.parametrize("count", [0, 3, 5])
def test_a_call_by_hand_with_other_arguments_is_explained(uncached: Staging, count: int) -> None:
    given = [*map(str, (uncached.build, uncached.cache, uncached.deps)), "0", "one too many"][:count]
    script = uncached.buildpack / "bin" / "supply"
    done = subprocess.run([script, *given], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "takes BUILD CACHE DEPS INDEX" in done.stderr
    assert uncached.files() == set()
