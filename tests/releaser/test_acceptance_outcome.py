"""What counts as an accepted candidate, told by real pytest runs with the acceptance plugin."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tests.acceptance.conftest  # noqa: F401  # imported once, not by each of the runs below
from tests.releaser.toy import ROOT

pytest_plugins = ["pytester"]

# The acceptance suite's own plugin and hooks, over tests that need no foundation.
CONFTEST = "from tests.acceptance.conftest import *\n"
PASSING = "def test_row(row): pass\n"
SKIPPING = "import pytest\ndef test_row(row): pytest.skip('not here')\n"
FAILING = "def test_row(row): assert row.way == 'cached'\n"
BROKEN = "def test_row(row, no_such_fixture): pass\n"
EXPECTED_TO_FAIL = "import pytest\n@pytest.mark.xfail\ndef test_row(row): assert False\n"
NOT_EXPECTED_TO_PASS = "import pytest\n@pytest.mark.xfail\ndef test_row(row): pass\n"
BROKEN_END = """
import pytest
@pytest.fixture
def end():
    yield
    assert False
def test_row(row, end): pass
"""


def candidate(folder: Path, **changes: Any) -> Path:
    zips = [
        {"stack": "cflinuxfs4", "variant": "cached", "path": "/x/side-cached.zip", "sha256": "ab", "key": "k"}
    ]
    sidecar = {"command": "./side", "process_types": ["web"], "port_variable": "P"}
    content: dict[str, Any] = {
        "name": "side",
        "version": "1.2.3",
        "foundation": {"name": "local", "api": "http://127.0.0.1:1", "organization": "o", "space": "s"},
        "zips": zips,
        "git": None,
        "apps": ["rubyapp"],
        "ways": ["cached", "uncached"],
        "stacks": ["cflinuxfs4"],
        "sidecar": sidecar,
        "keep": [],
        "public": {"base": "http://127.0.0.1:1", "resolve": {}},
        "shared": True,
        "time_to_live": 60,
    }
    path = folder / "candidate.json"
    path.write_text(json.dumps({**content, **changes}))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # each would be imported by each run
    monkeypatch.delenv("CF_USERNAME", raising=False)
    return tmp_path


def report(pytester: pytest.Pytester, folder: Path, tests: str, *options: str) -> Mapping[str, Any]:
    """Run the tests and return the report that was written."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(tests)
    named = [f"--candidate={candidate(folder)}", f"--report={folder / 'out' / 'report.json'}"]
    pytester.inline_run("-q", "-p", "no:cacheprovider", "-c", os.devnull, *named, *options)
    written: Mapping[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    return written


def test_report_of_passed_tests_names_rows_and_digests(pytester: pytest.Pytester, folder: Path) -> None:
    made = report(pytester, folder, PASSING)
    assert made["passed"] is True
    assert {row for test in made["tests"] for row in test["rows"]} == {
        "rubyapp/cached/cflinuxfs4",
        "rubyapp/uncached/cflinuxfs4",
    }
    assert made["digests"] == {"side-cached.zip": "ab"}
    assert [test["outcome"] for test in made["tests"]] == ["passed", "passed"]


@pytest.mark.parametrize(
    ("case", "tests"),
    [
        ("skipped", SKIPPING),
        ("failed", FAILING),
        ("error", BROKEN),
        ("error", BROKEN_END),
        ("xfail or xpass", EXPECTED_TO_FAIL),
        ("xfail or xpass", NOT_EXPECTED_TO_PASS),
    ],
)
def test_report_with_one_outcome_that_is_no_pass_is_not_passed(
    pytester: pytest.Pytester, folder: Path, case: str, tests: str
) -> None:
    made = report(pytester, folder, tests)
    assert made["passed"] is False
    assert case in {test["outcome"] for test in made["tests"]}


def test_report_without_tests_is_not_passed(pytester: pytest.Pytester, folder: Path) -> None:
    assert report(pytester, folder, "")["passed"] is False


def test_report_of_a_suite_that_cannot_be_imported_is_not_passed(
    pytester: pytest.Pytester, folder: Path
) -> None:
    assert report(pytester, folder, PASSING + "import no_such_module\n")["passed"] is False


def test_report_of_a_run_that_left_tests_out_is_not_passed(pytester: pytest.Pytester, folder: Path) -> None:
    two = PASSING + "def test_more(row): pass\n"
    made = report(pytester, folder, two, "-k", "test_row")
    assert {test["outcome"] for test in made["tests"]} == {"passed"}
    assert made["passed"] is False


def test_report_that_lacks_a_row_is_not_passed(pytester: pytest.Pytester, folder: Path) -> None:
    assert report(pytester, folder, "def test_without_a_row(): pass\n")["passed"] is False


def test_foundation_that_cannot_be_reached_is_named_and_not_passed(
    pytester: pytest.Pytester, folder: Path
) -> None:
    made = report(pytester, folder, "def test_row(row, run): pass\n")
    assert "no user for the foundation is given" in made["error"]
    assert made["passed"] is False


def test_report_holds_no_secret_in_any_form(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = 'p$.*+?^(|[x]"\\ü'
    monkeypatch.setenv("CF_PASSWORD", password)
    monkeypatch.setenv("CF_USERNAME", "admin")
    tests = """
import os
def test_row(row, pytestconfig):
    from tests.acceptance.conftest import OUTCOME
    said = f"{os.environ['CF_PASSWORD']} at https://token-in-a-url@host/x"
    pytestconfig.stash[OUTCOME].facts["urls"] = {"x": said}
    pytestconfig.stash[OUTCOME].facts["left_behind"] = [said]
"""
    made = report(pytester, folder, tests)
    assert made["urls"] == {"x": "((CF_PASSWORD)) at https://((credentials))@host/x"}
    assert made["left_behind"] == [made["urls"]["x"]]


# --- interrupts

WAITING = """
import time
from pathlib import Path
import pytest
from tests.acceptance.conftest import INTERRUPTS

HERE = Path(__file__).parent

@pytest.fixture(scope="session")
def tidied(pytestconfig):
    yield
    pytestconfig.stash[INTERRUPTS].tidying = True
    (HERE / "tidying").touch()
    while not (HERE / "go-on").exists():
        time.sleep(0.01)
    (HERE / "tidied").touch()

def test_row(row, tidied):
    (HERE / "waiting").touch()
    time.sleep(600)
"""


def until(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} does not come"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_tests_and_a_second_one_does_not_cut_off_the_tidying_up(
    folder: Path, number: signal.Signals
) -> None:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_waiting.py").write_text(WAITING)
    named = [f"--candidate={candidate(folder)}", f"--report={folder / 'out' / 'report.json'}"]
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*argv, f"--rootdir={folder}", str(folder), *named], cwd=folder, env=env, stdout=subprocess.DEVNULL
    ) as process:
        until(folder / "waiting")
        process.send_signal(number)
        until(folder / "tidying")
        process.send_signal(number)
        (folder / "go-on").touch()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert (folder / "tidied").exists()
    assert json.loads((folder / "out/report.json").read_text())["passed"] is False
