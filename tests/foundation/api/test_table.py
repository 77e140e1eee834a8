"""What the router is told of instances, and when: before they are stopped."""

from collections.abc import Mapping, Sequence

import pytest

from foundation.model.routing import Backend
from tests.foundation.api.stand import Stand

WITH_ROUTE = "applications: [{name: a, default-route: true, instances: 2}]"


@pytest.fixture
def told(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Sequence[str]]]:
    """Return the table as it is at each order to the runner."""
    tables: list[Mapping[str, Sequence[str]]] = []
    run, stop = stand.runner.run, stand.runner.stop

    def runs(*given: object) -> None:
        tables.append(stand.router.backends())
        run(*given)  # type: ignore[arg-type]  # as it was given

    def stops(process_guid: str) -> None:
        tables.append(stand.router.backends())
        stop(process_guid)

    monkeypatch.setattr(stand.runner, "run", runs)
    monkeypatch.setattr(stand.runner, "stop", stops)
    return tables


def test_table_has_what_an_instance_is(stand: Stand) -> None:
    app = stand.push()
    stand.apply(WITH_ROUTE)
    (route,) = stand.router.routes
    assert route.backends[1] == Backend(
        address="10.0.0.2:8080",
        app_guid=app,
        process_guid=app,
        process_type="web",
        index=1,
        instance_guid=f"{app}-1",
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "left"),
    [
        ("/v3/processes/{}/actions/scale", {"instances": 1}, 202, ["10.0.0.1:8080"]),
        ("/v3/apps/{}/actions/stop", None, 200, []),
        ("/v3/apps/{}/actions/restart", None, 200, []),
    ],
)
def test_table_is_without_an_instance_before_that_is_stopped(
    stand: Stand,
    told: list[Mapping[str, Sequence[str]]],
    path: str,
    body: object,
    status: int,
    left: list[str],
) -> None:
    app = stand.push()
    stand.apply(WITH_ROUTE)
    assert stand.router.backends() == {"a.apps.test": ["10.0.0.1:8080", "10.0.0.2:8080"]}
    told.clear()
    stand.post(path.format(app), body, status)
    assert told == [{"a.apps.test": left}]


def test_table_keeps_every_instance_where_more_are_wished_for(
    stand: Stand, told: list[Mapping[str, Sequence[str]]]
) -> None:
    app = stand.push()
    stand.apply(WITH_ROUTE)
    told.clear()
    stand.post(f"/v3/processes/{app}/actions/scale", {"instances": 3}, 202)
    assert told == [{"a.apps.test": ["10.0.0.1:8080", "10.0.0.2:8080"]}]
