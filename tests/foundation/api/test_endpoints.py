"""The endpoints as a whole: documented, guarded, never broken by what a client sends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.api.endpoints import ABSENT, ENDPOINTS, OPEN
from foundation.failures import EngineGoneError
from tests.foundation.api.stand import Stand, running
from tests.foundation.api.talk import a_zip

DOCS = Path(__file__).parents[3] / "docs" / "foundation.md"
BODIES = [endpoint for endpoint in ENDPOINTS if endpoint[0] in {"POST", "PATCH"}]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        *(
            "name",
            "type",
            "command",
            "process_types",
            "memory_in_mb",
            "instances",
            "relationships",
            "lifecycle",
        ),
        *(
            "metadata",
            "data",
            "package",
            "environment_variables",
            "var",
            "host",
            "path",
            "destinations",
            "guid",
        ),
        *("health_check", "stack", "position"),
    ]
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, dict[str, str]]]:
    """Return a foundation with one of everything, and the guid of each by the path's first part."""
    with running(tmp_path_factory.mktemp("busy")) as stand:
        app = stand.push()
        stand.apply("applications: [{name: a, default-route: true}]")
        body = {"name": "s", "command": "./s", "process_types": ["web"]}
        guids = {"apps": app, "processes": app, "spaces": stand.space, "read": app}
        guids["sidecars"] = stand.post(f"/v3/apps/{app}/sidecars", body)["guid"]
        for name in ("organizations", "buildpacks", "packages", "builds", "droplets", "routes", "domains"):
            guids[name] = stand.get(f"/v3/{name}")["resources"][0]["guid"]
        yield stand, guids


def filled(path: str, guids: dict[str, str]) -> str:
    """Return a path with guids that exist."""
    collection = path.split("/")[2] if path.startswith("/v3/") else "read"
    path = re.sub(r"\{(app_)?guid\}", guids.get(collection, "x"), path)
    return path.replace("{type}", "web").replace("{index}", "0").replace("{destination_guid}", "x")


def test_docs_list_exactly_the_endpoints() -> None:
    rows = re.findall(r"^\| (GET|POST|PATCH|PUT|DELETE) \| `([^`]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted((method, path) for method, path, _ in [*OPEN, *ENDPOINTS])


def test_docs_list_exactly_what_is_absent() -> None:
    assert re.findall(r"^- `(/[^`]+)`", DOCS.read_text(), re.MULTILINE) == ABSENT


@pytest.mark.parametrize(("method", "path", "handler"), ENDPOINTS)
def test_endpoint_without_token_is_401(
    busy: tuple[Stand, dict[str, str]], method: str, path: str, handler: Any
) -> None:
    stand, guids = busy
    answer = stand.http.request(method, filled(path, guids), headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["X-Vcap-Request-Id"]


@pytest.mark.parametrize("path", ABSENT)
def test_absent_resource_says_that_it_is_absent(busy: tuple[Stand, dict[str, str]], path: str) -> None:
    stand, guids = busy
    for below in ("", "/more"):
        answer = stand.http.get(filled(path, guids) + below)
        assert (answer.status_code, answer.json()["errors"][0]["title"]) == (501, "CF-NotImplemented")
        assert path in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v3/none"), ("GET", "/v2/info")])
def test_unknown_request_is_404(stand: Stand, method: str, path: str) -> None:
    (error,) = stand.send(method, path, status=404)["errors"]
    assert (error["code"], error["title"], error["detail"]) == (10000, "CF-NotFound", "Unknown request")


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/v3/spaces/x"), ("GET", "/v3/roles")])
def test_absent_method_of_a_known_path_says_that_it_is_absent(stand: Stand, method: str, path: str) -> None:
    (error,) = stand.send(method, path, status=501)["errors"]
    assert f"{method} {path}" in error["detail"]
    assert stand.http.request(method, path, headers={"Authorization": ""}).status_code == 401


def test_missing_engine_is_a_503_that_says_so(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    app = stand.push()

    def gone(*_: Any, **__: Any) -> None:
        raise EngineGoneError("the Docker engine does not answer", "Start it.")

    monkeypatch.setattr(stand.runner, "instances", gone)
    assert stand.details("GET", f"/v3/processes/{app}/stats", status=503) == [
        "the Docker engine does not answer\nStart it."
    ]


def test_root_and_info_need_no_token_and_name_the_foundation(stand: Stand) -> None:
    stand.http.headers.pop("Authorization")
    found = stand.get("/")["links"]
    assert found["log_cache"]["href"] == found["self"]["href"] == "http://testserver"
    assert found["cloud_controller_v2"] is None
    assert stand.get("/v3")["links"]["apps"]["href"] == "http://testserver/v3/apps"
    custom = stand.get("/v3/info")["custom"]
    assert custom == {
        "foundation": "local",
        "staging_network_annotation": "local-foundation/staging-network",
        "router": "http://127.0.0.1:8081",
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 9000, b"NaN", b'{"name": "\\ud800"}', b"\xff"])
def test_body_that_is_no_json_is_a_parse_error(stand: Stand, body: bytes) -> None:
    answer = stand.http.post("/v3/organizations", content=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 1001)


def test_body_larger_than_the_limit_is_413(stand: Stand) -> None:
    assert stand.http.post("/v3/organizations", content=b" " * (9 << 20)).status_code == 413


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    endpoint=st.sampled_from(BODIES),
    body=st.dictionaries(FIELDS, VALUES, max_size=4) | VALUES,
    raw=st.none() | st.binary(max_size=40),
)
@pytest.mark.slow
def test_garbage_bodies_are_never_a_500(
    busy: tuple[Stand, dict[str, str]], endpoint: Any, body: Any, raw: bytes | None
) -> None:
    stand, guids = busy
    method, path, _ = endpoint
    content = raw if raw is not None else json.dumps(body).encode()
    kind = "application/x-yaml" if "manifest" in path else "application/json"
    answer = stand.http.request(method, filled(path, guids), content=content, headers={"Content-Type": kind})
    assert answer.status_code < 500, answer.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
@pytest.mark.slow
def test_garbage_applications_in_a_manifest_are_never_a_500(
    busy: tuple[Stand, dict[str, str]], body: dict[str, Any]
) -> None:
    stand, _ = busy
    for action in ("manifest_diff", "actions/apply_manifest"):
        answer = stand.manifest(json.dumps({"applications": [{"name": "a", **body}]}), action)
        assert answer.status_code < 500, answer.text


MANIFEST_KEYS = st.sampled_from(
    [
        *(
            "memory",
            "env",
            "routes",
            "sidecars",
            "processes",
            "metadata",
            "services",
            "features",
            "buildpacks",
        ),
        *("buildpack", "stack", "command", "health-check-type", "instances", "no-route", "lifecycle"),
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(MANIFEST_KEYS, VALUES | st.lists(st.dictionaries(MANIFEST_KEYS, VALUES)), max_size=4)
)
@pytest.mark.slow
def test_garbage_values_in_a_manifest_are_never_a_500(
    busy: tuple[Stand, dict[str, str]], body: dict[str, Any]
) -> None:
    stand, _ = busy
    for action in ("manifest_diff", "actions/apply_manifest"):
        answer = stand.manifest(json.dumps({"applications": [{"name": "a", **body}]}), action)
        assert answer.status_code < 500, answer.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3))
@pytest.mark.slow
def test_garbage_queries_are_never_a_500(busy: tuple[Stand, dict[str, str]], query: dict[str, str]) -> None:
    stand, guids = busy
    for path in ("/v3/apps", "/v3/routes", f"/api/v1/read/{guids['apps']}"):
        try:
            answer = stand.http.get(path, params=query)
        except UnicodeEncodeError:  # the client itself cannot send it
            continue
        assert answer.status_code < 500, answer.text


@pytest.mark.slow
def test_garbage_multipart_is_never_a_500(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    whole = b'--x\r\nContent-Disposition: form-data; name="bits"; filename="b.zip"\r\n\r\n' + a_zip(
        {"a": "b"}
    )
    bodies = [b"", b"--x", whole, whole[:40], b"--x\r\nno header\r\n\r\n--x--\r\n"]
    for content in bodies:
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""):
            headers = {"Content-Type": kind}
            answer = stand.http.post(f"/v3/buildpacks/{guid}/upload", content=content, headers=headers)
            assert answer.status_code in {400, 422}, (content, kind, answer.text)
