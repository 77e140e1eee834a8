"""The table of traps names every trap, and tests that are there."""

import re
from pathlib import Path

import pytest

from tests.foundation.traps.table import ABSENT, TRAPS

ROOT = Path(__file__).parents[3]
NAMED = sorted({test for _, tests in TRAPS.values() for test in tests})
OWN = sorted(Path(__file__).parent.glob("test_*_traps.py"))


def test_every_trap_is_held_or_absent_for_a_reason() -> None:
    assert sorted([*TRAPS, *ABSENT]) == list(range(1, 31))
    assert all(tests for _, tests in TRAPS.values())
    assert all(ABSENT.values())


@pytest.mark.parametrize("test", NAMED)
def test_every_named_test_is_there(test: str) -> None:
    found = re.fullmatch(r"(?P<path>[^:]+)::(?P<name>\w+)(\[(?P<row>.+)\])?", test)
    assert found, f"{test} names no test"
    text = (ROOT / found["path"]).read_text()
    assert re.search(rf"^(def|func) {found['name']}\(", text, re.MULTILINE)
    assert not found["row"] or f'"{found["row"]}"' in text


@pytest.mark.parametrize("path", OWN, ids=[path.stem for path in OWN])
def test_every_trap_that_is_set_here_is_in_the_table(path: Path) -> None:
    for name, number in re.findall(r"^def (test_trap_(\d+)_\w+)\(", path.read_text(), re.MULTILINE):
        assert any(test.endswith(f"{path.name}::{name}") for test in TRAPS[int(number)][1]), name
