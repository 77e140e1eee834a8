"""`--json`: standard output holds one document, and nothing else."""

import json

import pytest
from invoke.exceptions import Exit

from commands import machine


def test_doctor_says_as_json_what_it_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        machine.doctor(as_json=True)
        ended = 0
    except Exit as ending:
        ended = ending.code
    rows = json.loads(capsys.readouterr().out)
    assert {"name", "state", "found", "remedy"} == set(rows[0])
    assert (ended != 0) == any(row["state"] == "missing" for row in rows)


def test_foundation_says_as_json_which_parts_run(capsys: pytest.CaptureFixture[str]) -> None:
    machine.foundation("status", None, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"s3", "front", "git", "foundation"}
    assert set(found.values()) <= {"running", "stopped"}
