"""Each treatment of a push by the gate leaves in the remote, and tells git, what its name says."""

import subprocess
import time
from collections.abc import Callable

import pytest

from faults.subject import git
from faults.watch import Event, Strike, Treatment, Watch
from tests.faults.conftest import Served, strike

pytestmark = pytest.mark.slow
PUSH = Event(what="push", on="", nth=1)


def push(served: Served) -> None:
    git(served.checkout, "push", "--quiet", "--atomic", served.url, "HEAD:main")


def test_fetch_and_push_pass_where_nothing_strikes(served: Served) -> None:
    push(served)
    assert served.main == served.head
    assert git(served.checkout, "ls-remote", served.url, "main").split()[0] == served.head
    assert [event.what for event in served.gate.watch.events] == ["push", "fetch"]


def test_strike_after_a_fetch_strikes(served: Served) -> None:
    seen: list[Event] = []
    fetch = Event(what="fetch", on="", nth=1)
    served.gate.watch = Watch([Strike(at=fetch, side="after", act=seen.append)])
    git(served.checkout, "fetch", "--quiet", served.url, "main")
    assert _soon(lambda: seen == [fetch])


def _soon(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_lost_answer_has_accepted_the_push(served: Served) -> None:
    served.gate.watch = Watch([strike(PUSH, "lose")])
    with pytest.raises(subprocess.CalledProcessError):
        push(served)
    assert served.main == served.head


@pytest.mark.parametrize("name", ["refuse", "cut"])
def test_broken_push_changes_nothing(served: Served, name: str) -> None:
    served.gate.watch = Watch([strike(PUSH, name)])
    with pytest.raises(subprocess.CalledProcessError):
        push(served)
    assert served.main != served.head


def test_hanging_push_works_in_the_end(served: Served) -> None:
    served.gate.watch = Watch([strike(PUSH, "hang", 0.2)])
    push(served)
    assert served.main == served.head


def test_strike_after_a_push_sees_it_before_git_is_told(served: Served) -> None:
    seen: list[str] = []

    def act(_: Event) -> Treatment:
        seen.append(served.main)
        return Treatment(name="lose")

    served.gate.watch = Watch([Strike(at=PUSH, side="after", act=act)])
    with pytest.raises(subprocess.CalledProcessError):
        push(served)
    assert seen == [served.head]
