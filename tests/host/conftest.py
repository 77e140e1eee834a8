"""Makes machines of scripts known to all tests of the host side."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.host import machines
from tests.host.machines import Scripts


@pytest.fixture
def scripts() -> Iterator[Scripts]:
    """A machine's PATH, in a folder whose name is short enough for a socket."""
    with TemporaryDirectory() as folder, machines.scripts(Path(folder)) as made:
        yield made
