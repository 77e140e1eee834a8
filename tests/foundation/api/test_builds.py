"""Packages, builds and droplets: staging from the API's side."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from foundation.rows.work import Build
from foundation.rules import builds
from tests.foundation.api.stand import Stand, running
from tests.foundation.api.talk import a_zip
from tests.foundation.engine_fixtures import until


@pytest.fixture
def app(stand: Stand) -> str:
    stand.create_buildpack()
    return stand.create_app()


def test_package_upload_is_ready_at_once_and_comes_back_as_it_was(stand: Stand, app: str) -> None:
    package = stand.create_package(app)
    assert stand.get(f"/v3/packages/{package}")["state"] == "READY"
    downloaded = stand.http.get(f"/v3/packages/{package}/download").content
    assert downloaded == stand.world.blobs.package(package).read_bytes()
    second = stand.upload(f"/v3/packages/{package}/upload", a_zip({}))
    assert (second.status_code, second.json()["errors"][0]["code"]) == (400, 150004)


def test_package_upload_of_no_zip_is_refused(stand: Stand, app: str) -> None:
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}
    guid = stand.post("/v3/packages", body)["guid"]
    answer = stand.upload(f"/v3/packages/{guid}/upload", b"text")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 160001)
    failed = stand.get(f"/v3/packages/{guid}")
    assert (failed["state"], failed["data"]["error"]) == (
        "FAILED",
        "The app upload is invalid: Invalid zip archive.",
    )


def test_package_upload_that_counts_on_kept_files_is_refused(stand: Stand, app: str) -> None:
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}
    guid = stand.post("/v3/packages", body)["guid"]
    fields = {"resources": json.dumps([{"path": "x"}])}
    files = {"bits": ("p.zip", a_zip({"a": "b"}))}
    matched = stand.http.post(f"/v3/packages/{guid}/upload", data=fields, files=files)
    assert matched.status_code == 422
    assert stand.get(f"/v3/packages/{guid}")["state"] == "AWAITING_UPLOAD"


def test_resource_matches_are_always_empty(stand: Stand) -> None:
    assert stand.post("/v3/resource_matches", {"resources": [{"path": "a"}]}) == {"resources": []}


def test_build_becomes_a_droplet_with_named_buildpacks(stand: Stand, app: str) -> None:
    build = stand.build(app, buildpacks=["bp", "https://example.com/final"])
    assert (build["state"], build["error"]) == ("STAGED", None)
    droplet = stand.get(f"/v3/droplets/{build['droplet']['guid']}")
    first, last = droplet["buildpacks"]
    assert (first["name"], first["buildpack_name"], first["detect_output"]) == ("bp", "in-config-yml", None)
    assert (last["name"], last["detect_output"]) == ("https://example.com/final", "in-config-yml")
    assert droplet["process_types"] == {"web": "./run"}
    assert stand.http.get(f"/v3/droplets/{droplet['guid']}/download").content == b"droplet"


def test_build_request_carries_environment_order_and_network(stand: Stand, app: str) -> None:
    stand.patch(f"/v3/apps/{app}/environment_variables", {"var": {"MINE": "1", "CF_STACK": "no"}})
    annotations = {"annotations": {"local-foundation/staging-network": "none"}}
    stand.build(app)
    stand.patch(f"/v3/apps/{app}", {"metadata": annotations})
    stand.build(app, buildpacks=["bp"])
    detecting, named = stand.stager.requests
    assert (detecting.skip_detect, detecting.offline) == (False, False)
    assert (named.skip_detect, named.offline) == (True, True)
    environment = named.environment
    assert (environment["MINE"], environment["CF_STACK"], environment["LANG"]) == (
        "1",
        "cflinuxfs4",
        "en_US.UTF-8",
    )
    assert environment["MEMORY_LIMIT"] == "1024m"
    assert environment["VCAP_SERVICES"] == "{}"
    application = json.loads(environment["VCAP_APPLICATION"])
    assert application["application_name"] == "a"
    assert application["limits"]["mem"] == 1024
    assert "PORT" not in environment


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (222, "NoAppDetectedError - An app was not successfully detected by any available buildpack"),
        (223, "BuildpackCompileFailed - App staging failed in the buildpack compile phase"),
        (224, "BuildpackReleaseFailed - App staging failed in the buildpack release phase"),
        (225, "StagingError - Staging error: staging failed"),
        (1, "StagingError - Staging error: staging failed"),
    ],
)
def test_build_exit_code_is_explained(stand: Stand, app: str, exit_code: int, error: str) -> None:
    stand.stager.exit_code = exit_code
    build = stand.build(app)
    assert (build["state"], build["error"], build["droplet"]) == ("FAILED", error, None)


def test_build_too_long_is_expired(stand: Stand, app: str) -> None:
    stand.stager.timed_out = True
    assert stand.build(app)["error"].startswith("StagingTimeExpired - Staging time expired: ")


def test_build_without_a_start_command_fails_unless_the_app_has_one(stand: Stand, app: str) -> None:
    stand.stager.result = {"process_types": {}}
    assert stand.build(app)["error"] == "StagingError - Staging error: Start command not specified"
    assert list((stand.world.blobs.root / "droplets").iterdir()) == []
    stand.patch(f"/v3/apps/{app}/processes/web", {"command": "mine"})
    assert stand.build(app)["state"] == "STAGED"


def test_build_broken_stager_fails_the_build_and_logs_why(stand: Stand, app: str) -> None:
    def broken() -> None:
        raise OSError("the disk is gone")

    stand.stager.before = broken
    assert stand.build(app)["error"] == "StagingError - Staging error: staging failed"
    assert "the disk is gone" in _log(stand, app)[-1]


def test_build_end_is_visible_only_after_its_last_log_line(stand: Stand, app: str) -> None:
    for _ in range(20):
        stand.build(app)
        assert _log(stand, app)[-1] == "Exit status"


def test_build_second_of_an_app_waits_for_the_first(stand: Stand, app: str) -> None:
    going = threading.Event()
    stand.stager.before = lambda: going.wait(10)
    body = {"package": {"guid": stand.create_package(app)}}
    first = stand.post("/v3/builds", body)["guid"]
    error = stand.send("POST", "/v3/builds", body, 422)["errors"][0]
    assert (error["code"], error["title"]) == (170017, "CF-StagingInProgress")
    going.set()
    assert stand.ended(first)["state"] == "STAGED"


def test_builds_more_than_the_pool_holds_wait_and_the_api_answers_meanwhile(stand: Stand, app: str) -> None:
    ends = [threading.Event() for _ in range(3)]
    stand.stager.before = lambda: ends[len(stand.stager.requests) - 1].wait(10)
    packages = [stand.create_package(each) for each in (app, stand.create_app("b"), stand.create_app("c"))]
    begun = [stand.post("/v3/builds", {"package": {"guid": each}})["guid"] for each in packages]
    until(lambda: len(stand.stager.requests) == 2, seconds=5)
    for _ in range(20):
        assert [build["state"] for build in stand.get("/v3/builds")["resources"]] == ["STAGING"] * 3
    assert len(stand.stager.requests) == 2
    for end in ends[:2]:
        end.set()
    until(lambda: len(stand.stager.requests) == 3, seconds=5)
    ends[2].set()
    assert [stand.ended(build)["state"] for build in begun] == ["STAGED"] * 3


def test_build_of_a_deleted_app_is_cancelled_and_leaves_no_files(stand: Stand, app: str) -> None:
    going = threading.Event()
    stand.stager.before = lambda: going.wait(10)
    build = stand.post("/v3/builds", {"package": {"guid": stand.create_package(app)}})["guid"]
    stand.delete(f"/v3/apps/{app}")
    assert stand.stager.cancelled == [build]
    going.set()
    stand.world.staging.close()
    assert list((stand.world.blobs.root / "droplets").iterdir()) == []


def test_build_refusals_have_their_sentences(stand: Stand, app: str) -> None:
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}
    waiting = stand.post("/v3/packages", body)["guid"]
    assert stand.details("POST", "/v3/builds", {"package": {"guid": waiting}}, 400) == [
        "Bad request: Cannot stage package whose state is not ready."
    ]
    pack = stand.get("/v3/buildpacks")["resources"][0]["guid"]
    stand.patch(f"/v3/buildpacks/{pack}", {"enabled": False})
    chosen: Any = {"package": {"guid": stand.create_package(app)}}
    chosen["lifecycle"] = {"type": "buildpack", "data": {"buildpacks": ["bp"]}}
    assert stand.details("POST", "/v3/builds", chosen, 400) == [
        "Buildpack is invalid: Requested buildpack(s) 'bp' are disabled and cannot be used for staging"
    ]


def test_build_under_way_at_a_kill_is_failed_at_the_next_start(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        before.create_buildpack()
        app = before.create_app()
        package = before.create_package(app)
        build = before.world.store.call(
            lambda db: db.insert(
                Build(
                    app_guid=app, package_guid=package, buildpacks=[], stack="cflinuxfs4", created_by="admin"
                )
            )
        )
    with running(tmp_path) as after:
        found = after.get(f"/v3/builds/{build.guid}")
        assert (found["state"], found["error"]) == ("FAILED", builds.RESTARTED)


def test_droplet_assignment_creates_missing_process_types(stand: Stand, app: str) -> None:
    stand.stager.result = {"process_types": {"web": "./run", "worker": "./work"}}
    stand.assign(app, stand.build(app)["droplet"]["guid"])
    found = stand.get(f"/v3/apps/{app}/processes?types=worker")["resources"]
    assert [(process["type"], process["instances"]) for process in found] == [("worker", 0)]
    assert stand.get(f"/v3/apps/{app}/processes/worker")["command"] == "./work"


def test_droplet_of_another_app_cannot_be_assigned(stand: Stand, app: str) -> None:
    other = stand.create_app("other")
    (error,) = stand.assign(other, stand.build(app)["droplet"]["guid"], 422)["errors"]
    assert error["detail"].startswith("Unable to assign current droplet. Ensure the droplet exists")


def test_droplet_current_is_not_found_before_the_first(stand: Stand, app: str) -> None:
    assert stand.details("GET", f"/v3/apps/{app}/droplets/current", status=404) == ["Droplet not found"]


def _log(stand: Stand, app: str) -> list[str]:
    return [text for _, text in stand.log(app)]
