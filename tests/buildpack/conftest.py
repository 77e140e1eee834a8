"""Makes a staging with the buildpack, and a server to download from, known to all tests of the buildpack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buildpack.file_server import FileServer, serving
from tests.buildpack.staging_area import Staging, packaged, pin, staging, unreleased
from tests.foundation.engine_fixtures import engine, images

__all__ = ["cached", "engine", "images", "server", "uncached"]


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server that gives out the program."""
    with serving() as files:
        yield files


@pytest.fixture
def uncached(tmp_path: Path, server: FileServer) -> Staging:
    """A staging with an uncached zip, whose program the server has."""
    source = pin(unreleased(tmp_path / "source"), server.url())
    return staging(tmp_path / "staging", packaged(source, tmp_path / "buildpack", cached=False))


@pytest.fixture
def cached(tmp_path: Path, server: FileServer) -> Staging:
    """A staging with a cached zip, which names the server but does not need it."""
    source = pin(unreleased(tmp_path / "source"), server.url())
    return staging(tmp_path / "staging", packaged(source, tmp_path / "buildpack", cached=True))
