"""Durations, beside what Go's fmt prints."""

import pytest

from foundation.running.durations import written


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.35, "350ms"),
        (3, "3s"),
        (3.0004, "3s"),
        (59.9996, "1m0s"),
        (60.003, "1m0.003s"),
        (180, "3m0s"),
        (3661.25, "1h1m1.25s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert written(seconds) == text
