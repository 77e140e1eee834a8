"""bin/supply, unchanged, on the real root file system: as vcap, with and without a network."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.engine.wanted import TMP
from tests.acceptance.offline import UNREACHABLE
from tests.buildpack import stack
from tests.buildpack.file_server import FileServer
from tests.buildpack.staging_area import NAME, STACK, VERSION, digest, packaged, pin, unreleased

pytestmark = pytest.mark.engine

SUPPLY = f'{TMP}/buildpack/bin/supply "$build" "$cache" "$deps" 0\n'
# Puts deps and app where they lie at run time, and runs the program in the two ways that manifests name it.
AT_RUN_TIME = """
cp -a $build $deps /home/vcap && rm -rf $build /tmp/contents1 && cd /home/vcap/app || exit 99
./config-server; PATH=/home/vcap/deps/0/bin:$PATH; config-server
stat -c '%a %U %F' config-server ../deps/0/bin/config-server; cat ../deps/0/config.yml
find /home/vcap/app /home/vcap/deps -type f | LC_ALL=C sort
"""
RAN = f"{NAME} {VERSION}\n"
EXPECTED = f"""{RAN}{RAN}755 vcap regular file
755 vcap regular file
---
name: {NAME}
version: "{VERSION}"
/home/vcap/app/Gemfile
/home/vcap/app/{NAME}
/home/vcap/deps/0/bin/{NAME}
/home/vcap/deps/0/config.yml
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Gemfile").touch()
    return folder


def buildpack(tmp_path: Path, url: str, *, cached: bool) -> Path:
    source = pin(unreleased(tmp_path / "source", impatient=False), url)
    return packaged(source, tmp_path / "buildpack", cached=cached)


def test_a_cached_zip_is_installed_without_a_network_and_runs_where_the_droplet_has_it(
    engine: Engine, images: Mapping[str, str], server: FileServer, tmp_path: Path, app: Path
) -> None:
    folders = {"app": app, "buildpack": buildpack(tmp_path, server.url(), cached=True)}
    done = stack.run(engine, images[STACK], f"{SUPPLY}echo end; {AT_RUN_TIME}", folders)
    assert (done.code, done.err) == (0, "")
    assert done.out.partition("end\n")[2] == EXPECTED
    assert server.asked == []


def test_an_uncached_zip_is_downloaded_and_the_cache_serves_the_next_staging(
    engine: Engine, images: Mapping[str, str], server: FileServer, tmp_path: Path, app: Path
) -> None:
    """The container is in this machine's network, so that it reaches the server on loopback."""
    near = replace(engine, network="host")
    folders = {"app": app, "buildpack": buildpack(tmp_path, server.url(), cached=False)}
    twice = f"{SUPPLY} rm -rf $build/{NAME} $deps/0/*; {SUPPLY} echo end; {AT_RUN_TIME}"
    done = stack.run(near, images[STACK], twice, folders, offline=False)
    assert (done.code, done.err) == (0, "")
    assert done.out.partition("end\n")[2] == EXPECTED
    assert "from the cache of an earlier staging" in done.out
    assert len(server.asked) == 1


@pytest.mark.parametrize("host", ["releases.embedded.internal", "127.0.0.1", "203.0.113.1"])
def test_an_uncached_zip_without_a_network_fails_soon_in_curls_words(
    engine: Engine, images: Mapping[str, str], tmp_path: Path, app: Path, host: str
) -> None:
    folders = {"app": app, "buildpack": buildpack(tmp_path, f"http://{host}:1/{NAME}", cached=False)}
    script = f"{SUPPLY} code=$?; find $build $cache $deps ! -type d; exit $code"
    done = stack.run(engine, images[STACK], script, folders)
    assert done.code == 1
    assert UNREACHABLE.search(done.err), done.err
    assert f"{host}:1 does not answer" in done.err
    assert len(re.findall(r"^curl: \(", done.err, re.MULTILINE)) in (1, 2, 3)
    assert [line for line in done.out.splitlines() if line.startswith("/")] == [f"{TMP}/app/Gemfile"]


def test_bytes_that_were_not_released_are_refused_on_the_stack(
    engine: Engine, images: Mapping[str, str], server: FileServer, tmp_path: Path, app: Path
) -> None:
    server.content = b"#!/bin/sh\necho something else\n"
    near = replace(engine, network="host")
    folders = {"app": app, "buildpack": buildpack(tmp_path, server.url(), cached=False)}
    script = f"{SUPPLY} code=$?; find $build $cache $deps ! -type d; exit $code"
    done = stack.run(near, images[STACK], script, folders, offline=False)
    assert done.code == 1
    assert digest(server.content) in done.err
    assert [line for line in done.out.splitlines() if line.startswith("/")] == [f"{TMP}/app/Gemfile"]


@pytest.mark.parametrize(
    ("full", "cached"),
    [
        ("$cache", False),
        ("$deps/0/bin", True),
        ("$build", True),
    ],
    ids=["cache", "deps", "app"],
)
def test_a_full_disk_is_named_and_leaves_nothing_half(
    engine: Engine,
    images: Mapping[str, str],
    server: FileServer,
    tmp_path: Path,
    app: Path,
    full: str,
    cached: bool,
) -> None:
    """Shared memory is the one file system of a container that is small enough to be filled."""
    near = replace(engine, network="host")
    folders = {"app": app, "buildpack": buildpack(tmp_path, server.url(), cached=cached)}
    script = f"""
mkdir -p /dev/shm/full "$(dirname "{full}")" && rm -rf "{full}" && ln -s /dev/shm/full "{full}"
head -c 1G /dev/zero >/dev/shm/filler 2>/dev/null
{SUPPLY} code=$?
find /dev/shm/full/ "$deps/" ! -type d ! -type l; exit $code"""
    done = stack.run(near, images[STACK], script, folders, offline=False)
    assert done.code == 1, done
    assert "the disk is full or read-only" in done.err
    assert "cf push -k" in done.err
    assert "No space left" in done.err or "curl: (23)" in done.err
    left = [line for line in done.out.splitlines() if line.startswith("/")]
    assert left == ([f"{TMP}/contents1/deps/0/bin/{NAME}"] if full == "$build" else [])
