"""Watching an instance: when it is asked, and what is said; the probes answer as they are told."""

import re
import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import cast

import pytest

from foundation.model.running import HealthCheck
from foundation.running import watching
from foundation.running.journal import Journal
from foundation.running.watching import Watch
from tests.foundation.engine_fixtures import Lines

REFUSED = "failed to make TCP connection to H:P: dial tcp H:P: connect: connection refused"


class Told:
    """A probe that answers as told, the last answer for ever."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = answers
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


class Watched:
    """An instance that is watched, for real but for its container."""

    def __init__(
        self, *probes: Callable[[], str | None], interval_s: float = 3600, timeout_s: float = 30
    ) -> None:
        self.log, self.wake, self.healthy = Lines(), threading.Event(), 0
        self.journal = SimpleNamespace(ended=None)
        self.watch = Watch(
            check=HealthCheck(interval_s=interval_s, timeout_s=timeout_s),
            probes=probes,
            index=0,
            log=self.log,
            wake=self.wake,
            journal=cast("Journal", self.journal),
        )

    def crash(self) -> str | None:
        return self.watch.crash(lambda: False, self._became_healthy)

    def end(self) -> None:
        self.journal.ended = ""
        self.wake.set()

    def _became_healthy(self) -> None:
        self.healthy += 1

    def said(self) -> Sequence[str]:
        return [f"{line.source_type} {line.stream} {line.text}" for line in self.log.lines]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUICK_S", 0.001)


def test_the_first_liveness_check_comes_at_once_and_one_failure_is_enough() -> None:
    probe = Told(REFUSED, None, REFUSED, None)
    watched = Watched(probe)
    text = f"Liveness check unsuccessful: {REFUSED}"
    assert watched.crash() == f"Instance became unhealthy: {text}"
    assert (probe.asked, watched.healthy) == (3, 1)
    assert watched.said() == [
        "CELL OUT Starting health monitoring of container",
        "CELL OUT Container became healthy",
        f"HEALTH ERR {text}",
        "CELL ERR Container became unhealthy",
    ]


def test_liveness_checks_follow_at_each_interval() -> None:
    probe = Told(None, None, None, None, REFUSED)
    assert Watched(probe, interval_s=0.001).crash() is not None
    assert probe.asked == 5


def test_an_instance_is_left_in_peace_between_its_liveness_checks() -> None:
    probe = Told(None)
    watched = Watched(probe)
    ending = threading.Timer(0.1, watched.end)
    ending.start()
    assert watched.crash() == ""
    assert probe.asked == 2
    ending.join()


def test_an_instance_that_is_never_healthy_is_told_how_long_and_how_often() -> None:
    watched = Watched(Told(REFUSED), timeout_s=0.05)
    reason = watched.crash() or ""
    found = re.fullmatch(
        r"Instance never healthy after (\d+ms): (Timed out after 50ms \(\d+ attempts\).*)", reason
    )
    assert found
    assert watched.healthy == 0
    assert found[2].endswith(f" waiting for startup check to succeed: {REFUSED}")
    assert watched.said()[1:] == [
        f"HEALTH ERR {found[2]}",
        f"CELL ERR Failed after {found[1]}: startup health check never passed.",
    ]


def test_each_port_has_to_answer_well_once_and_is_then_left_until_all_have() -> None:
    first, second = Told(None, None, REFUSED), Told(REFUSED, REFUSED, None)
    watched = Watched(first, second, interval_s=0.001)
    assert watched.crash() is not None
    assert (first.asked, second.asked, watched.healthy) == (3, 4, 1)


def test_ports_that_never_answer_are_all_named() -> None:
    reason = Watched(Told("one"), Told(None), Told("three"), timeout_s=0).crash() or ""
    assert reason.count("Timed out after 0s (1 attempts) waiting for startup check to succeed: ") == 2
    assert reason.split(": ", 1)[1].split("; ")[1].endswith(": three")


def test_a_process_without_checks_is_healthy_at_once_until_it_ends() -> None:
    watched = Watched()
    ending = threading.Timer(0.05, watched.end)
    ending.start()
    assert watched.crash() == ""
    assert (watched.healthy, watched.said()) == (1, [])
    ending.join()


def test_an_instance_that_ends_while_it_starts_is_no_case_for_the_health_check() -> None:
    def end() -> str | None:
        watched.journal.ended = "APP/PROC/WEB: Exited with status 1"
        return REFUSED

    watched = Watched(end)
    assert watched.crash() == ""
    assert watched.said() == ["CELL OUT Starting health monitoring of container"]
    assert watched.healthy == 0
