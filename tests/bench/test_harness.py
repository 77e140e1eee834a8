"""The harness measures what a program took, and shows it as promised."""

import json
import sys
from pathlib import Path

import pytest

from bench import harness


def test_peak_memory_is_of_the_program_and_not_of_its_big_parent() -> None:
    held = bytearray(b"x") * 200_000_000
    small = harness.run(["true"])
    big = harness.run([sys.executable, "-c", "held = bytearray(b'x') * 150_000_000"])
    assert small.peak_mb < 50 < len(held) / 1e6
    assert big.peak_mb > 150


def test_a_program_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno such luck"):
        harness.run(["sh", "-c", "echo no such luck >&2; exit 3"])


def test_a_program_that_is_not_there_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no-such-program"):
        harness.run(["no-such-program"])


def test_sides_run_in_turn_after_a_warm_up_of_each() -> None:
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return len(calls)

    taken = harness.alternate(2, lambda: side("a"), lambda: side("b"))
    assert "".join(calls) == "ababab"
    assert taken == [(3, 5), (4, 6)]


def test_results_end_with_a_line_a_figure_whose_ratio_is_rival_by_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    figure = harness.figure("toy", "seconds", ours=[1.0, 2.0, 9.0], rival=[5.0, 3.0, 4.0], unit="s")
    harness.save("toy", [figure], {"engine": "27.1"})
    assert capsys.readouterr().out.endswith("\n\nbench toy seconds ours=2.000 rival=4.000 ratio=2.00\n")
    document = json.loads((tmp_path / "results" / "toy.json").read_text())
    assert document["figures"] == [
        {
            "figure": "seconds",
            "unit": "s",
            "rounds": 3,
            "ours": {"min": 1.0, "median": 2.0, "max": 9.0},
            "rival": {"min": 3.0, "median": 4.0, "max": 5.0},
            "ratio": 2.0,
        }
    ]
    assert document["machine"]["engine"] == "27.1"
    assert set(document["machine"]) == {"cpu", "cores", "memory_gib", "kernel", "python", "engine"}
