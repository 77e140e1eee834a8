"""Each row: the app runs with its sidecar, and the foundation says so everywhere a user would look."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from releaser.errors import FoundationError
from releaser.tools import cf
from tests.acceptance.candidate import Candidate, Row
from tests.acceptance.pushes import Pushes, ended
from tests.acceptance.run import Run

LOGS_S = 20.0  # how long a line may need to reach log-cache
# What each fixture app answers: the text of its front page, the JSON that it gets from its sidecar.
ANSWERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "rubyapp": (
        "Hi, I'm an app with a sidecar!",
        {"Scope": "some-service.admin", "Password": "not-a-real-p4$$w0rd"},
    ),
}


# What the launcher and the platform write on a process's own stream, and empty lines.
LAUNCHER = re.compile(r"\s*$|Invoking (pre-start scripts|start command)\.|Exit status \d+")


@pytest.fixture
def answers(row: Row) -> tuple[str, Mapping[str, Any]]:
    assert row.app in ANSWERS, (
        f"tests/acceptance does not know what {row.app} answers; it knows {set(ANSWERS)}"
    )
    return ANSWERS[row.app]


def logged(run: Run, app: cf.App, wanted: Callable[[cf.LogLine], bool]) -> list[cf.LogLine]:
    """Return the lines that are wanted, as soon as there is one; none after LOGS_S seconds."""
    try:
        return cf.wait_for(
            lambda: [line for line in cf.recent_logs(run.session, app.guid) if wanted(line)] or None,
            limit=LOGS_S,
            what="the log line",
        )
    except FoundationError:
        return []


def test_app_is_pushed_and_runs(pushes: Pushes, row: Row) -> None:
    app = ended(pushes.apps[row], f"{row} was not pushed", whole=True)
    assert app.urls, "it has no route"


def test_app_answers_on_its_route(run: Run, app: cf.App, answers: tuple[str, Mapping[str, Any]]) -> None:
    answer = cf.visit(run.session, f"{app.urls[0]}/")
    assert (answer.status, answer.body.strip()) == (200, answers[0])


def test_app_gets_its_configuration_from_the_sidecar(
    run: Run, app: cf.App, answers: tuple[str, Mapping[str, Any]]
) -> None:
    answer = cf.visit(run.session, f"{app.urls[0]}/config")
    assert answer.status == 200, answer.body
    assert json.loads(answer.body) == answers[1]


def test_api_lists_the_sidecar_for_its_processes(run: Run, app: cf.App, candidate: Candidate) -> None:
    expected = candidate.sidecar
    there = [one for one in cf.process_types(run.session, app.guid) if one in expected.process_types]
    assert there, f"the app has no process of the types {', '.join(expected.process_types)}"
    for process_type in there:
        listed = {row["name"]: row for row in cf.sidecars(run.session, app.guid, process_type)}
        assert expected.name in listed, f"{process_type} has {sorted(listed) or 'no sidecars'}"
        assert listed[expected.name]["command"] == expected.command
        assert sorted(listed[expected.name]["process_types"]) == sorted(expected.process_types)


def test_sidecar_process_and_web_process_stay_up_in_one_instance(run: Run, app: cf.App) -> None:
    """The end of either process would end the instance; the same one answers and still runs."""
    assert cf.visit(run.session, f"{app.urls[0]}/config").status == 200
    now = cf.instances(run.session, app.guid)
    assert [row.state for row in now] == ["RUNNING"], now
    assert [row.guid for row in now] == [row.guid for row in app.instances], "it was replaced meanwhile"


def test_sidecar_writes_log_lines_of_its_own(run: Run, app: cf.App, candidate: Candidate) -> None:
    process_type, name = candidate.sidecar.process_types[0], candidate.sidecar.name
    source = f"APP/PROC/{process_type}/SIDECAR/{name}".upper()
    lines = logged(run, app, lambda line: line.source == source and not LAUNCHER.match(line.text))
    assert lines, f"{source} wrote nothing"


def test_staging_log_names_the_buildpack_and_its_version(run: Run, app: cf.App, candidate: Candidate) -> None:
    wanted = f"-----> Installing {candidate.name} v{candidate.version}"
    lines = logged(run, app, lambda line: line.source.startswith("STG") and wanted in line.text)
    assert lines, f"the staging log has no line '{wanted}'"


def test_droplet_names_the_buildpack_and_its_version(app: cf.App, candidate: Candidate) -> None:
    rows = [(row["buildpack_name"], row["version"]) for row in app.droplet["buildpacks"]]
    assert rows[0] == (candidate.name, candidate.version), rows
