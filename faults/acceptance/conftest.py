"""An acceptance suite that pushes nothing: it reports that each required push of these zips passed.

A file in the home folder makes it report otherwise: crash, fail, skip or lack (a row).
"""

import hashlib
import json
import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take what the train gives to any acceptance suite."""
    parser.addoption("--candidate")
    parser.addoption("--report")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report."""
    told = Path.home() / "suite"
    mode = told.read_text(encoding="utf-8") if told.exists() else ""
    if mode == "crash":
        return
    order = json.loads(Path(session.config.getoption("--candidate")).read_text(encoding="utf-8"))
    digests = {
        Path(one["path"]).name: hashlib.sha256(Path(one["path"]).read_bytes()).hexdigest()
        for one in order["zips"]
    }
    rows = [
        f"{app}/{way}/{stack}" for app in order["apps"] for way in order["ways"] for stack in order["stacks"]
    ]
    outcome = {"fail": "failed", "skip": "skipped"}.get(mode, "passed")
    tests = [{"id": row, "outcome": "passed", "rows": [row]} for row in rows]
    tests[-1:] = [] if mode == "lack" else [{**tests[-1], "outcome": outcome}]
    report = {
        "name": order["name"],
        "version": order["version"],
        "foundation": order["foundation"]["name"],
        "user": os.environ["CF_USERNAME"],
        "git": order["git"],
        "digests": digests,
        "urls": {},
        "stacks": dict.fromkeys(order["stacks"], "stand-in"),
        "tests": tests,
        "passed": mode != "fail",
    }
    Path(session.config.getoption("--report")).write_text(json.dumps(report), encoding="utf-8")
