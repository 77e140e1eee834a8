"""Sidecars: the resource, the memory rules, and those that come with a droplet."""

from typing import Any

import pytest

from tests.foundation.api.stand import Stand

NO_COMMAND, LONG_NAME = "command is not present", "Name is too long (maximum is 255 characters)"
TOO_LARGE = 'The memory allocation defined is too large to run with the dependent "web" process'


def sidecar(name: str = "s", memory: int | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "command": "./s", "process_types": ["web"], "memory_in_mb": memory, **more}


def droplet_sidecar(name: str = "s", **more: Any) -> dict[str, Any]:
    return {"name": name, "process_types": ["web"], "command": "./s", **more}


@pytest.fixture
def app(stand: Stand) -> str:
    stand.create_buildpack()
    return stand.create_app()


def test_sidecar_is_created_shown_changed_and_deleted(stand: Stand, app: str) -> None:
    made = stand.post(f"/v3/apps/{app}/sidecars", sidecar(process_types=["worker", "web"]))
    assert made["process_types"] == ["web", "worker"]
    assert made["origin"] == "user"
    assert "links" not in made
    path = f"/v3/sidecars/{made['guid']}"
    assert stand.patch(path, {"command": "./t", "memory_in_mb": 64})["memory_in_mb"] == 64
    assert stand.get(path)["command"] == "./t"
    assert [each["name"] for each in stand.get(f"/v3/processes/{app}/sidecars")["resources"]] == ["s"]
    assert stand.delete(path, 204) is None
    assert stand.get(f"/v3/apps/{app}/sidecars")["resources"] == []


def test_sidecar_name_taken_is_refused(stand: Stand, app: str) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar())
    sentences = stand.details("POST", f"/v3/apps/{app}/sidecars", sidecar())
    assert sentences == ["Sidecar with name 's' already exists for given app"]


def test_sidecar_memory_must_be_less_than_the_process_memory(stand: Stand, app: str) -> None:
    path = f"/v3/apps/{app}/sidecars"
    assert stand.details("POST", path, sidecar(memory=1024)) == [TOO_LARGE]
    first = stand.post(path, sidecar(memory=1000))["guid"]
    assert stand.details("POST", path, sidecar("t", memory=24)) == [TOO_LARGE]
    stand.post(path, sidecar("t", memory=23))
    assert stand.details("PATCH", f"/v3/sidecars/{first}", {"memory_in_mb": 1001}) == [TOO_LARGE]
    stand.post(path, sidecar("free"))


def test_process_memory_cannot_shrink_below_its_sidecars(stand: Stand, app: str) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar(memory=128))
    path = f"/v3/processes/{app}/actions/scale"
    sentence = "The requested memory allocation is not large enough to run all of your sidecar processes"
    assert stand.details("POST", path, {"memory_in_mb": 128}) == [sentence]
    stand.post(path, {"memory_in_mb": 129}, 202)


def test_sidecar_bad_body_is_refused(stand: Stand, app: str) -> None:
    body = {"name": "s", "command": "", "process_types": []}
    assert len(stand.details("POST", f"/v3/apps/{app}/sidecars", body)) == 2


def test_droplet_assignment_replaces_the_buildpack_sidecars_and_keeps_the_users(
    stand: Stand, app: str
) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar("mine"))
    found = []
    for sidecars in ([droplet_sidecar("one", memory=64)], [droplet_sidecar("two")], []):
        stand.stager.result = {"process_types": {"web": "./run"}, "sidecars": sidecars}
        stand.assign(app, stand.build(app)["droplet"]["guid"])
        rows = stand.get(f"/v3/apps/{app}/sidecars")["resources"]
        found.append({(row["name"], row["origin"], row["memory_in_mb"]) for row in rows})
    mine = ("mine", "user", None)
    assert found == [{mine, ("one", "buildpack", 64)}, {mine, ("two", "buildpack", None)}, {mine}]


def test_droplet_assignment_name_conflict_is_refused_and_changes_nothing(stand: Stand, app: str) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar())
    stand.stager.result = {"process_types": {"web": "./run"}, "sidecars": [droplet_sidecar()]}
    droplet = stand.build(app)["droplet"]["guid"]
    (error,) = stand.assign(app, droplet, 422)["errors"]
    assert error["detail"] == (
        "Buildpack defined sidecar 's' conflicts with an existing user-defined sidecar. "
        "Consider renaming 's'."
    )
    stand.get(f"/v3/apps/{app}/droplets/current", 404)


@pytest.mark.parametrize(
    ("sidecar", "sentence"),
    [
        (droplet_sidecar(command=" "), "command is not present"),
        (droplet_sidecar(""), "name is not present"),
        (droplet_sidecar("s" * 256, command=""), ", ".join([NO_COMMAND, LONG_NAME])),
        (droplet_sidecar(command="c" * 4097), "Command is too long (maximum is 4096 characters)"),
    ],
)
def test_droplet_assignment_sidecar_that_cannot_run_is_refused(
    stand: Stand, app: str, sidecar: dict[str, Any], sentence: str
) -> None:
    stand.stager.result = {"process_types": {"web": "./run"}, "sidecars": [sidecar]}
    (error,) = stand.assign(app, stand.build(app)["droplet"]["guid"], 422)["errors"]
    assert error["detail"] == sentence
    assert stand.get(f"/v3/apps/{app}/sidecars")["resources"] == []


def test_droplet_assignment_sidecar_at_the_limits_is_kept(stand: Stand, app: str) -> None:
    longest = droplet_sidecar("s" * 255, command="c" * 4096)
    stand.stager.result = {"process_types": {"web": "./run"}, "sidecars": [longest]}
    stand.assign(app, stand.build(app)["droplet"]["guid"])


def test_droplet_assignment_new_type_too_small_for_its_sidecars_is_refused(stand: Stand, app: str) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar(process_types=["worker"], memory=2000))
    stand.stager.result = {"process_types": {"web": "./run", "worker": "./work"}}
    (error,) = stand.assign(app, stand.build(app)["droplet"]["guid"], 422)["errors"]
    assert error["detail"] == (
        'The sidecar memory allocation defined is too large to run with the dependent "worker" process'
    )


def test_started_process_has_its_sidecars_only(stand: Stand, app: str) -> None:
    stand.post(f"/v3/apps/{app}/sidecars", sidecar(memory=64))
    stand.post(f"/v3/apps/{app}/sidecars", sidecar("other", process_types=["worker"]))
    stand.assign(app, stand.build(app)["droplet"]["guid"])
    stand.post(f"/v3/apps/{app}/actions/start", status=200)
    (running,) = stand.runner.specs[app].sidecars
    assert (running.name, running.command, running.memory_mb) == ("s", "./s", 64)
