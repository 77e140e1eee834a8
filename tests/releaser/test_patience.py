"""Trying again is bounded, and told only when it takes long."""

import pytest

from releaser.tools.patience import Patience


class Busy:
    """Fails a number of times, then works."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self) -> str:
        if not self.left:
            return "done"
        self.left -= 1
        raise ValueError(f"{self.left} left")


def keep(patience: Patience, failures: int, *, passing: str | None = "it is busy") -> tuple[str, list[str]]:
    lines: list[str] = []
    return patience.keep(Busy(failures), lambda _: passing, (ValueError,), lines.append), lines


def test_short_waits_are_not_told() -> None:
    assert keep(Patience(first=0.001), 3) == ("done", [])


def test_long_waits_are_told_with_reason_and_count() -> None:
    told = ["it is busy; trying again (2 of 6) …", "it is busy; trying again (3 of 6) …"]
    assert keep(Patience(first=0.001, quiet=0.0), 2) == ("done", told)


def test_number_of_attempts_is_the_bound() -> None:
    assert keep(Patience(attempts=3, first=0.0), 2)[0] == "done"
    with pytest.raises(ValueError, match="0 left"):
        keep(Patience(attempts=3, first=0.0), 3)


def test_no_attempt_begins_after_the_whole_time() -> None:
    with pytest.raises(ValueError, match="8 left"):
        keep(Patience(first=0.0, whole=-1.0), 9)


def test_error_that_does_not_pass_is_raised_at_once() -> None:
    with pytest.raises(ValueError, match="8 left"):
        keep(Patience(first=0.0), 9, passing=None)


def test_waits_double_up_to_the_longest() -> None:
    patience = Patience(first=1.0, longest=4.0)
    assert [round(patience._pause(number) / bound, 9) <= 1 for number, bound in ((1, 1), (2, 2), (9, 4))] == [
        True,
        True,
        True,
    ]
    assert patience._pause(3) >= 2.0


def test_what_is_seen_late_is_returned_and_what_never_comes_is_none() -> None:
    seen = iter([None, None, 7])
    assert Patience(attempts=3, first=0.0).until(lambda: next(seen)) == 7
    looks: list[int] = []
    assert Patience(attempts=3, first=0.0).until(lambda: looks.append(1)) is None
    assert len(looks) == 3
