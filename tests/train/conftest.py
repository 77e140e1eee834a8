"""Clones with embedded environments of their own, cleaned up at the end."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.train import clone as clones
from tests.train.clone import Clone


@pytest.fixture(scope="session")
def make_clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Clone]]:
    """Return what makes a clone by a name; all of them are cleaned up at the end."""
    made: list[Clone] = []
    original = clones.snapshot(tmp_path_factory.mktemp("original") / "clone")

    def make(name: str) -> Clone:
        root: Path = tmp_path_factory.mktemp(name) / "clone"
        made.append(clones.make(original, root))
        return made[-1]

    yield make
    with ThreadPoolExecutor() as pool:
        left = [clone for clone in made if clone.local.exists()]
        for done in pool.map(lambda clone: clone.inv("clean"), left):
            assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def undisturbed(make_clone: Callable[[str], Clone]) -> Clone:
    """A clone whose first release ran undisturbed."""
    clone = make_clone("undisturbed")
    clone.release()
    return clone
