"""A seed says all of a run, and the page says all kinds of faults and promises."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from faults import plan
from faults.checker import INVARIANTS
from faults.kinds import KINDS
from faults.watch import Event, Strike, Treatment, Watch
from faults.world import Baseline

PAGE = Path(__file__).resolve().parents[2] / "docs/faults.md"
EVENTS = tuple(Event(what=what, on="key", nth=1) for what in ("fetch", "HEAD", "GET", "PUT", "push"))


def baselines(name: str) -> Baseline:
    return Baseline(name=name, folder=Path("/none"), objects={}, events=EVENTS)


POSSIBLE = [name for name, kind in KINDS.items() if kind.possible()]


def test_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    plans = {str(plan.make(seed, baselines)) for seed in range(20)}
    assert plans == {str(plan.make(seed, baselines)) for seed in range(20)}
    assert len(plans) > 15


def test_seeds_in_a_row_strike_with_every_kind() -> None:
    made = [plan.make(seed, baselines) for seed in range(1000, 1000 + len(POSSIBLE))]
    assert {fault.kind for one in made for fault in one.faults} == set(POSSIBLE)


@pytest.mark.parametrize("kind", POSSIBLE)
def test_kind_asked_for_strikes_at_a_request_that_it_can_treat(kind: str) -> None:
    for seed in range(10):
        made = plan.make(seed, baselines, kind)
        fault = made.faults[0]
        assert fault.kind == kind
        assert (fault.at is None) == (KINDS[kind].where in {"instant", "start", "after"})
        assert made.command == f"./inv faults --seed {seed} --only {kind}"


def test_kinds_that_a_machine_cannot_do_are_left_out_and_change_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = plan.make(7, baselines, "kill-at/s3-500/s3-stall")
    lacking = replace(KINDS["s3-500"], possible=lambda: False)
    monkeypatch.setattr(plan, "KINDS", {**KINDS, "s3-500": lacking})
    assert plan.make(7, baselines, "kill-at/s3-500/s3-stall").faults == (whole.faults[0], whole.faults[2])
    with pytest.raises(ValueError, match="s3-500 is not possible on this machine"):
        plan.make(7, baselines, "s3-500")


def test_strike_waits_for_its_event_and_goes_on_for_its_span() -> None:
    at = Event(what="PUT", on="key", nth=2)
    strike = Strike(at=at, side="before", act=lambda _: Treatment(name="500"), span=2)
    watch = Watch([strike])
    asked = [("PUT", "key"), ("GET", "key"), ("PUT", "key"), ("fetch", ""), ("GET", "other"), ("GET", "key")]
    treated = [watch.arriving(*one)[1] is not None for one in asked]
    assert treated == [False, False, True, False, True, False]


def test_page_lists_every_promise_and_every_kind_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    promises, kinds = page.partition("## The promises")[2].split("## The faults")
    names = re.compile(r"^\| (\w[\w -]*?) \|", re.MULTILINE)
    assert names.findall(promises)[1:] == list(INVARIANTS)
    assert names.findall(kinds)[1:] == list(KINDS)
