"""Makes the official packager known to the tests: built once for all of them."""

from pathlib import Path

import pytest

from bench import packager


@pytest.fixture(scope="session")
def official() -> Path:
    return packager.build(packager.toolchain())
