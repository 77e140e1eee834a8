"""Runners that no test leaves behind, and a droplet with nothing in it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.running.restarts import Restarts
from foundation.running.runner import ContainerRunner
from tests.foundation.engine_fixtures import droplet_of
from tests.foundation.running.runners import MakeRunner

NEVER_AGAIN = Restarts(at_once=1, first_pause_s=3600, longest_pause_s=3600)


@pytest.fixture
def make_runner(
    engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path
) -> Iterator[MakeRunner]:
    made: list[ContainerRunner] = []

    def make(restarts: Restarts = NEVER_AGAIN) -> ContainerRunner:
        runner = ContainerRunner(
            engine=engine,
            images=images,
            programs=programs,
            state=tmp_path / "running",
            on_change=lambda: None,
            restarts=restarts,
        )
        made.append(runner)
        return runner

    yield make
    for runner in made:
        runner.close(0)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return droplet_of(tmp_path / "droplet.tgz", {})
