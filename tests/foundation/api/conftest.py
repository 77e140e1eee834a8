"""The foundation that the API's tests talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.api.stand import Stand, running


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Return a fresh foundation."""
    with running(tmp_path) as found:
        yield found
