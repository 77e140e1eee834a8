"""The end of a build is held back for whoever follows the log, and for nobody else."""

from dataclasses import dataclass, field

from foundation.envelopes import Window
from foundation.followers import Followers
from foundation.staging.holding import Tail, hold
from tests.foundation.api.stand import line

APP = "app"
FOLLOWING = Window(start=7, end=1 << 62, limit=100, newest_first=False)
LOOKING = Window(start=-1, end=1 << 62, limit=1, newest_first=True)
RECENT = Window(start=-1, end=1 << 62, limit=1000, newest_first=True)
WHOLE = Window(start=-1, end=1 << 62, limit=100, newest_first=False)


@dataclass
class Clock:
    """A time that passes only where somebody waits."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    followers: Followers = field(init=False)
    reads_until: float = 0.0

    def __post_init__(self) -> None:
        self.followers = Followers(lambda: self.now)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        if self.now <= self.reads_until:
            self.followers.note(APP, FOLLOWING)
        return False

    def hold(self, last: float) -> float:
        """Return for how long a build that logged its last line then is held back from now on."""
        begun = self.now
        hold(APP, last, self.followers, self.wait, lambda: self.now)
        return self.now - begun


def test_a_followed_build_is_held_until_its_last_line_is_two_and_a_half_seconds_old() -> None:
    clock = Clock(reads_until=2000)
    clock.followers.note(APP, FOLLOWING)
    assert clock.hold(last=999.5) == 2.0
    assert max(clock.waits) <= 0.25


def test_a_build_whose_last_line_is_old_is_not_held() -> None:
    clock = Clock(reads_until=2000)
    clock.followers.note(APP, LOOKING)
    assert clock.hold(last=997.5) == 0


def test_a_build_is_not_held_for_who_does_not_follow() -> None:
    clock = Clock()
    assert clock.hold(last=1000) == 0
    for window in (RECENT, WHOLE):
        clock.followers.note(APP, window)
    clock.followers.note("another app", FOLLOWING)
    assert clock.hold(last=1000) == 0


def test_a_reader_that_goes_away_ends_the_hold_within_a_second() -> None:
    clock = Clock(reads_until=1000.5)
    clock.followers.note(APP, FOLLOWING)
    assert clock.hold(last=1000) == 1.5


def test_a_hold_ends_when_the_foundation_does() -> None:
    clock = Clock()
    clock.followers.note(APP, LOOKING)
    waits: list[float] = []

    def closing(seconds: float) -> bool:
        waits.append(seconds)
        return True

    hold(APP, 1000, clock.followers, closing, lambda: clock.now)
    assert len(waits) == 1


def test_the_time_of_the_last_line_is_remembered() -> None:
    seen: list[str] = []
    tail = Tail(lambda each: seen.append(each.text))
    tail(line("text", at=5_000_000_000))
    assert (tail.last, seen) == (5.0, ["text"])
