"""Runners that no test leaves behind, and a droplet with nothing in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from tests.foundation.engine_fixtures import droplet_of
from tests.foundation.running.runners import MakeRunner, making


@pytest.fixture
def make_runner(
    engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path
) -> Iterator[MakeRunner]:
    with making(lambda: engine, images, programs, tmp_path / "running") as make:
        yield make


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return droplet_of(tmp_path / "droplet.tgz", {})
