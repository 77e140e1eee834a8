"""Apps: creation, change, actions, environment, deletion."""

from tests.foundation.api.stand import Stand


def test_create_makes_a_web_process_with_the_apps_guid(stand: Stand) -> None:
    app = stand.create_app()
    processes = stand.get(f"/v3/apps/{app}/processes")["resources"]
    assert [(process["guid"], process["type"], process["instances"]) for process in processes] == [
        (app, "web", 1)
    ]
    shown = stand.get(f"/v3/apps/{app}")
    assert shown["lifecycle"]["data"] == {"buildpacks": [], "stack": "cflinuxfs4"}
    assert shown["state"] == "STOPPED"


def test_create_name_taken_is_a_uniqueness_error(stand: Stand) -> None:
    stand.create_app()
    body = {"name": "a", "relationships": {"space": {"data": {"guid": stand.space}}}}
    error = stand.send("POST", "/v3/apps", body, 422)["errors"][0]
    assert (error["code"], error["detail"]) == (10016, "App with the name 'a' already exists.")


def test_create_unknown_buildpack_and_reserved_variables_are_refused_together(stand: Stand) -> None:
    body = {
        "name": "a",
        "relationships": {"space": {"data": {"guid": stand.space}}},
        "lifecycle": {"type": "buildpack", "data": {"buildpacks": ["nope", "https://example.com/b#v1"]}},
        "environment_variables": {"VCAP_X": "1", "port": "1", "FINE": "1"},
    }
    assert stand.details("POST", "/v3/apps", body) == [
        'Buildpack "nope" for stack "cflinuxfs4" must be an existing admin buildpack or a valid git URI',
        "Environment variable name 'VCAP_X' cannot start with VCAP_",
        "Environment variables cannot set PORT",
    ]


def test_update_changes_name_metadata_and_lifecycle_and_keeps_the_rest(stand: Stand) -> None:
    app = stand.create_app()
    stand.create_buildpack()
    path = f"/v3/apps/{app}"
    stand.patch(path, {"metadata": {"annotations": {"k": "v"}}})
    stand.patch(path, {"lifecycle": {"type": "buildpack", "data": {"buildpacks": ["bp"]}}})
    shown = stand.patch(path, {"name": "b"})
    assert (shown["name"], shown["metadata"]["annotations"]) == ("b", {"k": "v"})
    assert shown["lifecycle"]["data"] == {"buildpacks": ["bp"], "stack": "cflinuxfs4"}
    assert stand.patch(path, {"metadata": {"annotations": {"k": None}}})["metadata"]["annotations"] == {}


def test_start_without_a_droplet_is_refused(stand: Stand) -> None:
    app = stand.create_app()
    for action in ("start", "restart"):
        sentences = stand.details("POST", f"/v3/apps/{app}/actions/{action}")
        assert sentences == ["Assign a droplet before starting this app."]


def test_start_of_a_started_app_does_nothing_and_restart_replaces_the_instances(stand: Stand) -> None:
    app = stand.push()
    first = stand.runner.specs[app].version
    stand.post(f"/v3/apps/{app}/actions/start", status=200)
    assert stand.runner.specs[app].version == first
    assert stand.post(f"/v3/apps/{app}/actions/restart", status=200)["state"] == "STARTED"
    assert stand.runner.specs[app].version != first


def test_stop_takes_the_process_from_the_runner_and_the_backends_from_the_router(stand: Stand) -> None:
    app = stand.push()
    stand.apply("applications: [{name: a, default-route: true}]")
    assert stand.router.backends() == {"a.apps.test": ["10.0.0.1:8080"]}
    stand.post(f"/v3/apps/{app}/actions/stop", status=200)
    assert stand.runner.stopped == [app]
    assert stand.router.backends() == {"a.apps.test": []}


def test_environment_variables_merge_and_null_removes(stand: Stand) -> None:
    app = stand.create_app(environment_variables={"A": "1"})
    path = f"/v3/apps/{app}/environment_variables"
    assert stand.patch(path, {"var": {"B": "2"}})["var"] == {"A": "1", "B": "2"}
    assert stand.patch(path, {"var": {"A": None}})["var"] == {"B": "2"}
    assert stand.details("PATCH", path, {"var": {"PORT": "1"}}) == ["Environment variables cannot set PORT"]
    everything = stand.get(f"/v3/apps/{app}/env")
    assert everything["environment_variables"] == {"B": "2"}
    assert everything["application_env_json"]["VCAP_APPLICATION"]["space_name"] == "local"


def test_environment_change_reaches_a_running_process_at_the_next_start_only(stand: Stand) -> None:
    app = stand.push()
    stand.patch(f"/v3/apps/{app}/environment_variables", {"var": {"A": "1"}})
    stand.post(f"/v3/processes/{app}/actions/scale", {"instances": 2}, 202)
    assert "A" not in stand.runner.specs[app].environment
    assert stand.runner.specs[app].instances == 2
    stand.post(f"/v3/apps/{app}/actions/restart", status=200)
    assert stand.runner.specs[app].environment["A"] == "1"


def test_delete_takes_everything_but_the_routes(stand: Stand) -> None:
    app = stand.push()
    stand.apply("applications: [{name: a, default-route: true}]")
    assert stand.delete(f"/v3/apps/{app}")["operation"] == "app.delete"
    for path in ("apps", "processes", "packages", "builds", "droplets"):
        assert stand.get(f"/v3/{path}")["resources"] == []
    assert stand.get("/v3/routes")["resources"][0]["destinations"] == []
    assert stand.runner.stopped == [app]
    files = [path for path in stand.world.blobs.root.rglob("*") if path.is_file()]
    assert [path.parent.name for path in files] == ["buildpacks"]
    assert stand.details("GET", f"/v3/apps/{app}", status=404) == ["App not found"]
