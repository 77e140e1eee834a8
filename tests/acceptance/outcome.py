"""The report of a run: every test's outcome, and whether all of it counts as passed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from releaser import report
from tests.acceptance.candidate import Candidate

ROW = "row"  # the user property by which a test says which row it is about


@dataclass(kw_only=True)
class Test:
    """What is known of a test so far; `seconds` is setup, call and teardown together."""

    __test__ = False  # not a class of tests
    rows: list[str]
    outcome: str = "error"
    seconds: float = 0


@dataclass(kw_only=True, eq=False)
class Outcome:
    """A pytest plugin: collects what pytest reports while the run goes on, and writes it at the end."""

    candidate: Candidate
    path: Path
    diagnostics: Path
    tests: dict[str, Test] = field(default_factory=dict)
    deselected: int = 0
    facts: dict[str, Any] = field(default_factory=dict)  # what only the signed-in run knows

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note that tests were left out on the command line."""
        self.deselected += len(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one phase of a test: only a passed call between a clean setup and teardown is a pass."""
        rows = [str(value) for name, value in report.user_properties if name == ROW]
        test = self.tests.setdefault(report.nodeid, Test(rows=rows))
        test.seconds += report.duration
        if report.when == "call":
            test.outcome = "xfail or xpass" if hasattr(report, "wasxfail") else report.outcome
        elif report.outcome != "passed":
            test.outcome = "skipped" if report.outcome == "skipped" else "error"

    def failed(self) -> set[str]:
        """Return the rows of what did not pass; `offline` stands for tests that have no row."""
        tests = [test for test in self.tests.values() if test.outcome != "passed"]
        return {row for test in tests for row in test.rows or ["offline"]}

    def document(self, status: int) -> Mapping[str, Any]:
        """Return the report; a skip, an error, a left-out test or row, or no test at all is not a pass."""
        covered = {row for test in self.tests.values() for row in test.rows}
        required = {str(row) for row in self.candidate.rows}
        clean = all(test.outcome == "passed" for test in self.tests.values())
        passed = status == 0 and clean and bool(required) and required <= covered and not self.deselected
        return {
            "name": self.candidate.name,
            "version": self.candidate.version,
            "foundation": self.candidate.foundation.get("name", ""),
            "api": self.candidate.foundation["api"],
            "digests": {one.path.name: one.sha256 for one in self.candidate.zips},
            "tests": [
                {"id": name, "outcome": test.outcome, "seconds": round(test.seconds, 3), "rows": test.rows}
                for name, test in self.tests.items()
            ],
            "stacks": {},
            "urls": {},
            **masked(self.facts),
            "passed": passed,
        }

    @pytest.hookimpl(trylast=True)  # after what the fixtures say at their end
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the report, whole or not at all."""
        scratch = self.path.with_name(self.path.name + ".part")
        scratch.write_text(json.dumps(self.document(int(exitstatus)), indent=2) + "\n", encoding="utf-8")
        scratch.replace(self.path)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which proof was used, what the foundation is, and where apps stay up."""
        for name in ("place", "buildpacks", "proof", "final_buildpack", "stacks", "urls", "left_behind"):
            shown = _shown(self.facts.get(name))
            if shown:
                terminalreporter.write_line(f"{name.replace('_', ' ')}: {shown}")
        if self.diagnostics.is_dir():
            terminalreporter.write_line(f"diagnostics: {self.diagnostics}")


def masked(value: Any) -> Any:
    """Return a structure without any secret; before it is quoted, for that would hide some."""
    if isinstance(value, Mapping):
        return {key: masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one) for one in value]
    return report.mask(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return "\n  ".join(value) if isinstance(value, list) else str(value or "")
