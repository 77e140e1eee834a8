"""Manifests: what they change, what they leave alone, and how they are refused."""

from typing import Any

import pytest

from tests.foundation.api.stand import Stand

STORY = """
applications:
- name: app-using-config-server
  instances: 1
  memory: 256M
  disk_quota: 512M
  env:
    CONFIG_SERVER_PORT: 8082
  stack: cflinuxfs4
  buildpacks: [bp, "https://example.com/ruby#v1"]
  default-route: true
  sidecars:
  - name: config-server
    process_types: [web]
    command: ./config-server
"""


def refused(stand: Stand, text: str, status: int = 422) -> list[str]:
    answer = stand.manifest(text)
    assert answer.status_code == status, answer.text
    return [entry["detail"] for entry in answer.json()["errors"]]


def one(rest: str) -> str:
    return f"applications:\n- name: a\n  {rest}\n"


def failed(stand: Stand, text: str) -> list[str]:
    job = stand.apply(text)
    assert job["state"] == "FAILED"
    return [entry["detail"] for entry in job["errors"]]


def test_apply_the_storys_manifest_makes_the_whole_app(stand: Stand) -> None:
    stand.create_buildpack()
    assert stand.apply(STORY)["state"] == "COMPLETE"
    (app,) = stand.get("/v3/apps")["resources"]
    assert app["lifecycle"]["data"]["buildpacks"] == ["bp", "https://example.com/ruby#v1"]
    web = stand.get(f"/v3/processes/{app['guid']}")
    assert (web["memory_in_mb"], web["disk_in_mb"], web["instances"]) == (256, 512, 1)
    assert stand.get(f"/v3/apps/{app['guid']}/environment_variables")["var"] == {"CONFIG_SERVER_PORT": "8082"}
    (sidecar,) = stand.get(f"/v3/apps/{app['guid']}/sidecars")["resources"]
    assert (sidecar["name"], sidecar["command"], sidecar["memory_in_mb"]) == (
        "config-server",
        "./config-server",
        None,
    )
    assert list(stand.router.backends()) == ["app-using-config-server.apps.test"]


def test_apply_twice_is_the_same_and_absent_keys_stay(stand: Stand) -> None:
    stand.create_buildpack()
    stand.apply(STORY)
    before = stand.get("/v3/apps")["resources"][0]["guid"]
    stand.apply(STORY)
    stand.apply("applications: [{name: app-using-config-server}]")
    assert [app["guid"] for app in stand.get("/v3/apps")["resources"]] == [before]
    assert stand.get(f"/v3/processes/{before}")["memory_in_mb"] == 256
    assert len(stand.get(f"/v3/apps/{before}/sidecars")["resources"]) == 1
    assert len(stand.get("/v3/routes")["resources"]) == 1


def test_apply_environment_is_written_the_way_ruby_does(stand: Stand) -> None:
    stand.apply(one("env: {A: true, B: 1.5, C: null, D: [1, x], E: x, F: 08, 7: y}"))
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    values = stand.get(f"/v3/apps/{app}/environment_variables")["var"]
    assert values == {"A": "true", "B": "1.5", "C": "", "D": '[1,"x"]', "E": "x", "F": "08", "7": "y"}


def test_apply_web_in_processes_replaces_the_apps_own_attributes(stand: Stand) -> None:
    text = one("memory: 128M\n  processes:\n  - {type: web, disk-quota: 400MB, health-check-type: none}")
    stand.apply(text + "  - {type: worker, memory: 1G, instances: 2, command: work}\n")
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    web = stand.get(f"/v3/processes/{app}")
    assert (web["memory_in_mb"], web["disk_in_mb"], web["health_check"]["type"]) == (1024, 400, "process")
    worker = stand.get(f"/v3/apps/{app}/processes/worker")
    assert (worker["memory_in_mb"], worker["instances"], worker["command"]) == (1024, 2, "work")


def test_apply_command_null_resets(stand: Stand) -> None:
    stand.apply(one("command: mine"))
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    assert stand.get(f"/v3/processes/{app}")["command"] == "mine"
    stand.apply(one("command: null"))
    assert stand.get(f"/v3/processes/{app}")["command"] is None


def test_apply_sidecar_of_the_same_name_is_updated_and_bare_memory_is_mb(stand: Stand) -> None:
    for memory in ("64", "128M"):
        stand.apply(one(f"sidecars: [{{name: s, command: ./s, process_types: [web], memory: {memory}}}]"))
    app = stand.get("/v3/apps")["resources"][0]["guid"]
    (sidecar,) = stand.get(f"/v3/apps/{app}/sidecars")["resources"]
    assert sidecar["memory_in_mb"] == 128


def test_apply_routes_are_read_by_the_longest_domain(stand: Stand) -> None:
    stand.apply(one("routes: [{route: Www.apps.test/some/path}]"))
    (route,) = stand.get("/v3/routes")["resources"]
    assert (route["host"], route["path"], route["url"]) == ("www", "/some/path", "www.apps.test/some/path")
    assert failed(stand, one("routes: [{route: x.example.com}]")) == [
        "For application 'a': No domains exist for route x.example.com"
    ]


def test_apply_random_route_has_words_and_no_route_unmaps(stand: Stand) -> None:
    stand.apply(one("random-route: true"))
    (route,) = stand.get("/v3/routes")["resources"]
    assert len(route["host"].split("-")) == 4
    stand.apply(one("random-route: true"))
    assert len(stand.get("/v3/routes")["resources"]) == 1
    stand.apply(one("no-route: true"))
    assert stand.get("/v3/routes")["resources"][0]["destinations"] == []


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("memory: 64", 'Process "web": Memory must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB'),
        ("instances: x", 'Process "web": Instances must be an integer'),
        ("health-check-type: tcp", 'Process "web": Health check type must be "port", "process", or "http"'),
        ("timeout: 181", 'Process "web": Timeout must be between 1 and 180'),
        ("sidecars: x", "Sidecars must be an array of sidecar configurations"),
        (
            "sidecars: [{name: s, command: c, process_types: []}]",
            'Sidecar "s": Process types must have at least 1 process_type',
        ),
        ("sidecars: [{name: s, process_types: [web]}]", 'Sidecar "s": Command can\'t be blank'),
        ("docker: {image: x}", "the local foundation does not support Docker apps"),
        (
            "processes: [{type: web, readiness-health-check-type: http}]",
            "the local foundation does not support readiness health checks",
        ),
        ("log-rate-limit-per-second: 1K", "the local foundation does not support log rate limits"),
        (
            "routes: [{route: x.apps.localhost, protocol: http2}]",
            "the local foundation does not support routes of another protocol than http1",
        ),
        (
            "routes: [{route: x.apps.localhost, options: {loadbalancing: least-connection}}]",
            "the local foundation does not support route options",
        ),
        ("env: x", "Env must be an object of keys and values"),
        ("routes: [{route: a b}]", "The route 'a b' is not a properly formed URL"),
        ("stack: nowhere", "Stack must be an existing stack"),
        (
            "buildpacks: [x]",
            'Buildpack "x" for stack "cflinuxfs4" must be an existing admin buildpack or a valid git URI',
        ),
    ],
)
def test_apply_bad_manifest_is_refused_at_once(stand: Stand, rest: str, sentence: str) -> None:
    assert refused(stand, one(rest)) == [f"For application 'a': {sentence}"]
    assert stand.get("/v3/apps")["resources"] == []


def test_apply_reports_every_problem_of_every_app(stand: Stand) -> None:
    text = "applications: [{name: a, memory: 1, instances: x}, {name: b, memory: 1}, {memory: 1M}]"
    sentences = refused(stand, text)
    assert len(sentences) == 4
    assert sentences[2].startswith("For application 'b': ")
    assert sentences[3] == "For application at index 2: Name must be a non-empty string"


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("buildpacks: [x]", 'Buildpack "x" for stack'),
        ("services: [db]", "Service instance 'db' not found"),
        ("features: {ssh: true}", "The local foundation does not have the app feature 'ssh'"),
        ("memory: 64M\n  sidecars: [{name: s, command: c, process_types: [web], memory: 64}]", "The memory"),
        ("env: {PORT: 1}", "Environment variables cannot set PORT"),
    ],
)
def test_apply_to_an_existing_app_fails_the_job_and_changes_nothing(
    stand: Stand, rest: str, sentence: str
) -> None:
    app = stand.create_app()
    (detail,) = failed(stand, one(rest))
    assert detail.startswith(f"For application 'a': {sentence}")
    assert stand.get(f"/v3/processes/{app}")["memory_in_mb"] == 1024
    assert stand.get(f"/v3/apps/{app}/sidecars")["resources"] == []


@pytest.mark.parametrize(
    "rest",
    [
        "features: {ssh: false}",
        "readiness-health-check-type: process",
        "log-rate-limit-per-second: -1",
        "routes: [{route: x.apps.test, protocol: http1}]",
    ],
)
def test_apply_what_is_absent_and_not_asked_for_is_fine(stand: Stand, rest: str) -> None:
    assert stand.apply(one(rest))["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("applications: [{name: &x a}, {name: *x}]", 400, 1004),
        ("a: [", 400, 1001),
        ("[" * 5000, 400, 1004),
        ("#" * (1 << 20) + "#", 413, 1004),
        ("applications: []", 422, 10008),
        ("applications: [x]", 422, 10008),
        ("text", 422, 10008),
        ('applications: [{name: "\\uD800"}]', 400, 1001),
    ],
)
def test_apply_what_is_no_manifest_is_refused(stand: Stand, text: str, status: int, code: int) -> None:
    answer = stand.manifest(text)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_apply_other_content_type_is_refused(stand: Stand) -> None:
    answer = stand.http.post(f"/v3/spaces/{stand.space}/actions/apply_manifest", json={})
    assert answer.json()["errors"][0]["detail"] == "Bad request: Content-Type must be yaml"


def diff(stand: Stand, text: str) -> list[Any]:
    answer = stand.manifest(text, "manifest_diff")
    assert answer.status_code == 201
    found: list[Any] = answer.json()["diff"]
    return found


def test_diff_of_what_was_applied_is_empty(stand: Stand) -> None:
    stand.create_buildpack()
    stand.apply(STORY)
    assert diff(stand, STORY) == []


def test_diff_names_what_is_new_and_what_is_replaced(stand: Stand) -> None:
    stand.apply(one("memory: 1G\n  env: {A: 1}"))
    text = one("memory: 1024M\n  instances: 2\n  env: {A: 2, B: 3}\n  sidecars: [{name: s}]")
    assert diff(stand, text) == [
        {"op": "replace", "path": "/applications/0/instances", "value": 2, "was": 1},
        {"op": "replace", "path": "/applications/0/env/A", "value": 2, "was": "1"},
        {"op": "add", "path": "/applications/0/env/B", "value": 3},
        {"op": "add", "path": "/applications/0/sidecars/0", "value": {"name": "s"}},
    ]


def test_diff_of_a_new_app_adds_everything(stand: Stand) -> None:
    assert diff(stand, one("memory: 1G")) == [
        {"op": "add", "path": "/applications/0/name", "value": "a"},
        {"op": "add", "path": "/applications/0/memory", "value": "1G"},
    ]
