"""Which tests share a worker, and which begin: `./inv test` runs on two.

pytest-xdist's own groups have no effect with this pytest, whose node ids cannot be changed any more: what is
costly to make would be made on both workers.
"""

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

# The longest come first; tests of one row share releases or servers. Each other test goes where room is.
TOGETHER = (
    (
        "tests/train/test_release",
        "tests/train/test_verify",
        "tests/train/test_pushes",
        "tests/train/test_named",
    ),
    ("tests/train/test_killed",),
    ("tests/pipeline/test_first", "tests/pipeline/test_pushes", "tests/pipeline/test_player"),
    ("tests/train/test_installing",),
    ("tests/faults/test_faults",),
    ("tests/releaser/test_verify.py",),
)


def rank(nodeid: str) -> int:
    """Return the number of a test's row."""
    rows = (number for number, row in enumerate(TOGETHER) if nodeid.startswith(row))
    return next(rows, len(TOGETHER))


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out rows whole."""

    def _split_scope(self, nodeid: str) -> str:
        number = rank(nodeid)
        return str(TOGETHER[number]) if number < len(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))
