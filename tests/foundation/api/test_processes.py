"""Processes and their instances."""

import pytest

from tests.foundation.api.stand import Stand


def test_list_hides_the_command_and_show_has_the_detected_one(stand: Stand) -> None:
    app = stand.push()
    assert stand.get("/v3/processes")["resources"][0]["command"] == "[PRIVATE DATA HIDDEN IN LISTS]"
    assert stand.get(f"/v3/processes/{app}")["command"] == "./run"


def test_update_sets_and_resets_command_and_health_check(stand: Stand) -> None:
    app = stand.push()
    path = f"/v3/apps/{app}/processes/web"
    health = {"type": "http", "data": {"endpoint": "/up", "timeout": "90"}}
    shown = stand.patch(path, {"command": "mine", "health_check": health})
    assert shown["command"] == "mine"
    assert shown["health_check"]["data"]["endpoint"] == "/up"
    stand.post(f"/v3/apps/{app}/actions/restart", status=200)
    spec = stand.runner.specs[app]
    assert (spec.command, spec.health_check.type, spec.health_check.timeout_s) == ("mine", "http", 90)
    reset = stand.patch(path, {"command": None, "health_check": {"type": "process"}})
    assert reset["command"] == "./run"
    assert "endpoint" not in reset["health_check"]["data"]


def test_scale_takes_numbers_as_text_and_keeps_what_is_not_sent(stand: Stand) -> None:
    app = stand.create_app()
    shown = stand.post(f"/v3/processes/{app}/actions/scale", {"memory_in_mb": "256"}, 202)
    assert (shown["memory_in_mb"], shown["disk_in_mb"], shown["instances"]) == (256, 1024, 1)


@pytest.mark.parametrize("body", [{"instances": -1}, {"memory_in_mb": 0}, {"instances": "x"}, {"cpu": 1}])
def test_scale_bad_values_are_refused(stand: Stand, body: dict[str, object]) -> None:
    assert stand.details("POST", f"/v3/processes/{stand.create_app()}/actions/scale", body)


def test_stats_of_a_running_process_have_usage_and_quotas(stand: Stand) -> None:
    app = stand.push()
    (row,) = stand.get(f"/v3/apps/{app}/processes/web/stats")["resources"]
    assert (row["state"], row["mem_quota"], row["usage"]["mem"]) == ("RUNNING", 1024 << 20, 1000)
    assert row["uptime"] >= 5
    assert row["instance_ports"][0]["internal"] == 8080


def test_stats_of_a_stopped_process_are_one_down_row_an_instance(stand: Stand) -> None:
    app = stand.create_app()
    stand.post(f"/v3/processes/{app}/actions/scale", {"instances": 2}, 202)
    rows = stand.get(f"/v3/processes/{app}/stats")["resources"]
    assert [(row["index"], row["state"]) for row in rows] == [(0, "DOWN"), (1, "DOWN")]


def test_stats_of_a_crashed_instance_have_no_usage(stand: Stand) -> None:
    app = stand.push()
    stand.runner.state[0] = "CRASHED"
    (row,) = stand.get(f"/v3/processes/{app}/stats")["resources"]
    assert (row["state"], row["usage"], row["mem_quota"]) == ("CRASHED", {}, None)


def test_instances_changed_takes_a_crashed_instance_out_of_the_router(stand: Stand) -> None:
    stand.push()
    stand.apply("applications: [{name: a, default-route: true, instances: 2}]")
    assert stand.router.backends() == {"a.apps.test": ["10.0.0.1:8080", "10.0.0.2:8080"]}
    stand.runner.state[0] = "CRASHED"
    stand.runner.changed()
    stand.world.desired.close()  # waits for what is queued
    assert stand.router.backends() == {"a.apps.test": ["10.0.0.2:8080"]}


def test_process_instances_have_the_seconds_in_their_state(stand: Stand) -> None:
    app = stand.push()
    (row,) = stand.get(f"/v3/processes/{app}/process_instances")["resources"]
    assert row["since"] in {5, 6}


def test_restart_of_an_instance_reaches_the_runner_and_an_unknown_one_is_not_found(stand: Stand) -> None:
    app = stand.push()
    assert stand.delete(f"/v3/apps/{app}/processes/web/instances/0", 204) is None
    assert stand.runner.restarted == [(app, 0)]
    sentences = stand.details("DELETE", f"/v3/processes/{app}/instances/7", status=404)
    assert sentences == ["Instance not found"]


def test_show_unknown_type_is_process_not_found(stand: Stand) -> None:
    path = f"/v3/apps/{stand.create_app()}/processes/worker"
    assert stand.details("GET", path, status=404) == ["Process not found"]
