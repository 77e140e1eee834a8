"""Runs against the foundation and with the candidate that --candidate names, and writes --report."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from releaser.errors import TrainError
from releaser.tools import cf
from tests.acceptance import diagnostics, offline
from tests.acceptance.candidate import Candidate, Row, load
from tests.acceptance.installs import install
from tests.acceptance.interrupts import Interrupts
from tests.acceptance.outcome import ROW, Outcome
from tests.acceptance.pushes import Pushes, ended, pushing, staying
from tests.acceptance.run import Run, running

CANDIDATE, OUTCOME = pytest.StashKey[Candidate](), pytest.StashKey[Outcome]()
INTERRUPTS = pytest.StashKey[Interrupts]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("acceptance")
    group.addoption("--candidate", type=Path, help="JSON file that says what is under test, and where")
    group.addoption(
        "--report",
        type=Path,
        help="where the JSON report goes; logs/ beside it keeps what apps said, diagnostics/ why they failed",
    )


def pytest_configure(config: pytest.Config) -> None:
    path, report = config.getoption("--candidate"), config.getoption("--report")
    if path is None or report is None:
        raise pytest.UsageError("tests/acceptance needs --candidate FILE and --report FILE")
    config.option.tbstyle = "short"  # the long style shows arguments, and so the password
    try:
        candidate = load(path)
    except (OSError, ValueError, KeyError) as error:
        raise pytest.UsageError(f"{path} does not describe a candidate: {error!r}") from None
    report.parent.mkdir(parents=True, exist_ok=True)
    kept = report.parent / diagnostics.FOLDER
    for folder in (report.parent / "logs", kept):
        shutil.rmtree(folder, ignore_errors=True)  # an earlier run's
    config.stash[CANDIDATE] = candidate
    config.stash[OUTCOME] = Outcome(candidate=candidate, path=report, diagnostics=kept)
    config.pluginmanager.register(config.stash[OUTCOME], "acceptance-outcome")
    config.stash[INTERRUPTS] = Interrupts()
    config.stash[INTERRUPTS].install()


def pytest_unconfigure(config: pytest.Config) -> None:
    if INTERRUPTS in config.stash:
        config.stash[INTERRUPTS].restore()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    candidate = metafunc.config.stash[CANDIDATE]
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", candidate.rows, ids=str)
    if "candidate_zip" in metafunc.fixturenames:
        metafunc.parametrize("candidate_zip", candidate.zips, ids=lambda one: one.path.name)
    if "stack" in metafunc.fixturenames:
        metafunc.parametrize("stack", candidate.stacks)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    candidate = config.stash[CANDIDATE]
    if "cached" not in candidate.ways:  # then no zip claims to need no network
        items[:] = [item for item in items if item.path.name != "test_offline.py"]
    if not candidate.zips:
        items[:] = [item for item in items if item.path.name != "test_zips.py"]
    if candidate.creates_buildpacks:  # then no app is pushed with a URL
        items[:] = [item for item in items if getattr(item, "originalname", "") != BY_URL]
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and "row" in callspec.params:
            item.user_properties.append((ROW, str(callspec.params["row"])))


BY_URL = "test_zip_at_its_url_is_the_one_that_the_candidate_names"


@pytest.fixture(scope="session")
def candidate(pytestconfig: pytest.Config) -> Candidate:
    return pytestconfig.stash[CANDIDATE]


@contextmanager
def fatal(outcome: Outcome) -> Iterator[None]:
    """End the whole run, with one message, where nothing can be pushed at all."""
    try:
        yield
    except TrainError as error:
        outcome.facts["error"] = error.message
        pytest.exit(f"{error.message}\n{error.remedy}".strip(), returncode=pytest.ExitCode.INTERNAL_ERROR)


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config, candidate: Candidate) -> Iterator[Run]:
    outcome = pytestconfig.stash[OUTCOME]
    with ExitStack() as ending:
        with fatal(outcome):
            begun = ending.enter_context(running(candidate, outcome.path.parent))
        proof = offline.proof(begun)
        outcome.facts |= {"stacks": dict(begun.kinds), "place": begun.place.words, "proof": proof}
        yield begun
        pytestconfig.stash[INTERRUPTS].tidying = True
    outcome.facts["left_behind"] = begun.complaints


@pytest.fixture(scope="session")
def pushes(pytestconfig: pytest.Config, run: Run) -> Iterator[Pushes]:
    outcome = pytestconfig.stash[OUTCOME]
    with fatal(outcome):
        installed = install(run)
    outcome.facts |= {"buildpacks": installed.mode, "final_buildpack": installed.final.words}
    with pushing(run, installed, outcome.failed) as under_way:
        yield under_way
        pytestconfig.stash[INTERRUPTS].tidying = True
        outcome.facts["urls"] = {str(row): app.urls[0] for row, app in staying(run, under_way).items()}


@pytest.fixture
def app(pushes: Pushes, row: Row) -> cf.App:
    return ended(pushes.apps[row], f"{row} was not pushed")
