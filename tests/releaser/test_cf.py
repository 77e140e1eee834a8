"""The foundation's client, against recorded exchanges on a real socket."""

import os
import socket
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaser.errors import ConfigError, FoundationError
from releaser.tools import cf
from releaser.tools.cf import package, transport
from tests.releaser.cf_loopback import PASSWORD, Foundation, Reply, Request, refusal, serve

SPACE = cf.Space(guid="space-1", name="local", organization="local")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("releaser.tools.cf.session.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("releaser.tools.cf.pushing.SETTLE_S", 0.001)


@pytest.fixture
def foundation() -> Iterator[Foundation]:
    with serve() as served:
        yield served
        assert not served.asked(pattern="/v2.*"), "a request went to /v2"


@pytest.fixture
def session(foundation: Foundation) -> cf.Session:
    return cf.login(foundation.api, "admin", PASSWORD)


def buildpack(guid: str, stack: str | None, state: str = "READY") -> dict[str, Any]:
    return {"guid": guid, "name": "side", "stack": stack, "state": state, "links": {}, "metadata": {}}


@pytest.fixture
def side_zip(tmp_path: Path) -> Path:
    path = tmp_path / "side.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("manifest.yml", "language: side\nstack: cflinuxfs4\n")
        file.writestr("bin/supply", "#!/bin/sh\n" + "x" * 3_000_000)
    return path


def bits(request: Request) -> bytes:
    """The file part of a multipart body."""
    boundary = request.headers["Content-Type"].split("boundary=")[1].encode()
    part = next(part for part in request.body.split(b"--" + boundary) if b'name="bits"' in part)
    return part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")


# --- signing in


def test_login_with_wrong_password_says_so_without_the_password(foundation: Foundation) -> None:
    wrong = "another-pässword"
    with pytest.raises(FoundationError) as caught:
        cf.login(foundation.api, "admin", wrong)
    assert "Bad credentials" in caught.value.message
    assert "CF_PASSWORD" in caught.value.remedy
    assert wrong not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_login_to_something_else_than_a_foundation_says_so(foundation: Foundation) -> None:
    foundation.on("GET", "/", body={"hello": "world"})
    with pytest.raises(FoundationError, match="is not the API of a Cloud Foundry"):
        cf.login(foundation.api, "admin", PASSWORD)


def test_login_where_nothing_listens_says_where() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(FoundationError, match=f"cannot sign in to http://127.0.0.1:{port}"):
            cf.login(f"http://127.0.0.1:{port}", "admin", PASSWORD)


def test_request_without_an_answer_ends_at_its_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(FoundationError, match="timed out"):
            cf.login(f"http://127.0.0.1:{port}", "admin", PASSWORD)


def test_session_shows_no_token(session: cf.Session) -> None:
    assert "token" not in repr(session)


def test_expired_token_is_renewed_and_the_upload_sent_whole_again(
    foundation: Foundation, session: cf.Session, side_zip: Path
) -> None:
    foundation.listing("/v3/buildpacks", buildpack("bp-1", "cflinuxfs4"))
    foundation.on("PATCH", "/v3/buildpacks/bp-1", body=buildpack("bp-1", "cflinuxfs4"))
    done = foundation.job("job-1", "COMPLETE")

    def receive(request: Request) -> Reply:
        if request.headers["Authorization"] == "Bearer token-1":
            return refusal(401, 1000, "Invalid Auth Token", "CF-InvalidAuthToken")
        return Reply(status=202, body=buildpack("bp-1", "cflinuxfs4"), headers=done)

    foundation.on("POST", "/v3/buildpacks/bp-1/upload", receive)
    cf.install_buildpack(session, side_zip, name="side")
    first, second = foundation.asked("POST", ".*/upload")
    assert bits(first) == bits(second) == side_zip.read_bytes()


# --- what the foundation is


def test_info_of_the_local_foundation_names_its_annotation(
    foundation: Foundation, session: cf.Session
) -> None:
    custom = {"foundation": "local", "staging_network_annotation": "local-foundation/staging-network"}
    foundation.on("GET", "/v3/info", body={"custom": custom})
    assert cf.info(session) == cf.Info(
        local=True, staging_network_annotation="local-foundation/staging-network", router=None
    )


def test_info_of_another_foundation_is_not_local(session: cf.Session) -> None:
    assert not cf.info(session).local


def test_stacks_on_two_pages_are_all_listed_with_their_kind(
    foundation: Foundation, session: cf.Session
) -> None:
    def page(request: Request) -> Reply:
        if "page" in request.query:
            return Reply(body={"pagination": {"next": None}, "resources": [{"name": "b", "guid": "2"}]})
        marks = {"labels": {"rootfs": "stand-in"}}
        rows = [{"name": "a", "guid": "1", "metadata": marks}]
        following = {"href": f"{foundation.api}/v3/stacks?page=2"}
        return Reply(body={"pagination": {"next": following}, "resources": rows})

    foundation.on("GET", "/v3/stacks", page)
    assert cf.stacks(session) == {"a": "stand-in", "b": "official"}
    assert [row["guid"] for row in cf.resources(session, "/v3/stacks", what="list")] == ["1", "2"]


def test_space_that_is_missing_is_made_in_its_organization(
    foundation: Foundation, session: cf.Session
) -> None:
    foundation.listing("/v3/organizations", {"guid": "org-1"})
    foundation.listing("/v3/spaces")
    foundation.on("POST", "/v3/spaces", status=201, body={"guid": "space-9"})
    assert cf.ensure_space(session, "o", "s").guid == "space-9"
    (made,) = foundation.asked("POST", "/v3/spaces")
    assert made.json["relationships"]["organization"]["data"]["guid"] == "org-1"


def test_refusal_carries_the_foundations_words(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("GET", "/v3/organizations", lambda _: refusal(403, 10003, "You are not authorized"))
    with pytest.raises(cf.ApiRefusedError, match=r"organization o: You are not authorized \(HTTP 403\)"):
        cf.ensure_space(session, "o", "s")


# --- buildpacks


def installable(foundation: Foundation, *rows: Mapping[str, Any], state: str = "COMPLETE") -> None:
    foundation.listing("/v3/buildpacks", *rows)
    foundation.on("POST", "/v3/buildpacks", status=201, body=buildpack("new", "cflinuxfs4"))
    foundation.on("PATCH", "/v3/buildpacks/(.*)", body=buildpack("old", "cflinuxfs4"))
    gone = foundation.job("delete-job", "COMPLETE")
    foundation.on("DELETE", "/v3/buildpacks/(.*)", status=202, headers=gone)
    words = "Uploaded buildpack stack (cflinuxfs9) does not exist"
    job = foundation.job("upload-job", "PROCESSING", state, detail=words)
    foundation.on(
        "POST", "/v3/buildpacks/([^/]*)/upload", status=202, body=buildpack("new", None), headers=job
    )


def test_install_of_a_new_buildpack_names_the_stack_of_the_zip(
    foundation: Foundation, session: cf.Session, side_zip: Path
) -> None:
    installable(foundation)
    assert cf.install_buildpack(session, side_zip, name="side", position=3).guid == "new"
    (made,) = foundation.asked("POST", "/v3/buildpacks")
    assert (made.json["stack"], made.json["position"]) == ("cflinuxfs4", 3)
    (sent,) = foundation.asked("POST", "/v3/buildpacks/new/upload")
    assert bits(sent) == side_zip.read_bytes()
    assert b'filename="side.zip"' in sent.body


def test_install_over_an_existing_buildpack_replaces_its_bits(
    foundation: Foundation, session: cf.Session, side_zip: Path
) -> None:
    installable(foundation, buildpack("other", "cflinuxfs3"), buildpack("old", "cflinuxfs4"))
    assert cf.install_buildpack(session, side_zip, name="side").guid == "old"
    assert not foundation.asked("POST", "/v3/buildpacks")
    assert foundation.asked("POST", "/v3/buildpacks/old/upload")
    (changed,) = foundation.asked("PATCH")
    assert "stack" not in changed.json, "the API refuses a change of the stack"


def test_install_beside_a_leftover_without_stack_deletes_the_leftover(
    foundation: Foundation, session: cf.Session, side_zip: Path
) -> None:
    installable(foundation, buildpack("left", None, "AWAITING_UPLOAD"))
    cf.install_buildpack(session, side_zip, name="side")
    paths = [one.path for one in foundation.asked("POST|DELETE", "/v3/buildpacks.*")]
    assert paths == ["/v3/buildpacks/left", "/v3/buildpacks", "/v3/buildpacks/new/upload"]


def test_install_with_a_failed_job_says_why_and_deletes_the_new_record(
    foundation: Foundation, session: cf.Session, side_zip: Path
) -> None:
    installable(foundation, state="FAILED")
    with pytest.raises(
        FoundationError, match=r"side: Uploaded buildpack stack \(cflinuxfs9\) does not exist"
    ):
        cf.install_buildpack(session, side_zip, name="side")
    assert [one.path for one in foundation.asked("DELETE")] == ["/v3/buildpacks/new"]


def test_delete_of_a_buildpack_that_is_gone_is_fine(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("DELETE", "/v3/buildpacks/gone", lambda _: refusal(404, 10010, "Buildpack not found"))
    gone = cf.Buildpack(guid="gone", name="side", stack=None, ready=True)
    cf.delete_buildpack(session, gone)


# --- pushing


@pytest.fixture
def app_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "config.ru").write_text("run App\n")
    (folder / "manifest.yml").write_text(
        "applications:\n- name: ruby\n  memory: 256M\n  env: {PORT_A: 8082, KEPT: yes-it-is}\n"
        "  buildpacks: [https://example.com/side.git, ruby_buildpack]\n"
    )
    return folder


def pushable(foundation: Foundation, build: str = "STAGED", instance: str = "RUNNING") -> None:
    applied = foundation.job("apply-job", "COMPLETE")
    foundation.on("POST", "/v3/spaces/space-1/actions/apply_manifest", status=202, headers=applied)
    foundation.listing("/v3/apps", {"guid": "app-1", "name": "ruby"})
    foundation.on("PATCH", "/v3/apps/app-1", body={"guid": "app-1"})
    foundation.on("POST", "/v3/packages", status=201, body={"guid": "pkg-1", "state": "AWAITING_UPLOAD"})
    foundation.on("POST", "/v3/packages/pkg-1/upload", body={"guid": "pkg-1", "state": "READY"})
    foundation.on("GET", "/v3/packages/pkg-1", body={"guid": "pkg-1", "state": "READY"})
    foundation.on("POST", "/v3/builds", status=201, body={"guid": "b-1", "state": "STAGING"})
    staged = {"state": build, "error": "StagingError - Staging error: staging failed"}
    foundation.on("GET", "/v3/builds/b-1", body={"guid": "b-1", "droplet": {"guid": "d-1"}, **staged})
    foundation.on("GET", "/v3/droplets/d-1", body={"guid": "d-1", "buildpacks": [{"version": "1.2.3"}]})
    foundation.on("PATCH", "/v3/apps/app-1/relationships/current_droplet", body={})
    foundation.on("POST", "/v3/apps/app-1/actions/restart", body={"guid": "app-1"})
    states = iter(["STARTING", "STARTING"])

    def stats(_request: Request) -> Reply:
        row = {"type": "web", "index": 0, "state": next(states, instance), "details": "Exited with status 1"}
        return Reply(body={"resources": [row]})

    foundation.on("GET", "/v3/apps/app-1/processes/web/stats", stats)
    foundation.listing("/v3/apps/app-1/routes", {"guid": "r-1", "url": "ruby.apps.localhost"})
    foundation.log("app-1", ("STG", "curl: (6) no host"), ("APP/PROC/WEB/SIDECAR/SIDE", "missing $PORT_A"))


def test_push_runs_the_apps_manifest_with_what_was_given_over_it(
    foundation: Foundation, session: cf.Session, app_folder: Path
) -> None:
    pushable(foundation)
    manifest, packs = app_folder / "manifest.yml", ["side", "ruby_buildpack"]
    app = cf.push(session, SPACE, app_folder, manifest, name="other", buildpacks=packs, env={"PORT_A": "1"})
    (applied,) = foundation.asked("POST", ".*/apply_manifest")
    (entry,) = yaml.safe_load(applied.body)["applications"]
    assert entry == {
        "name": "other",
        "memory": "256M",
        "env": {"PORT_A": "1", "KEPT": "yes-it-is"},
        "buildpacks": ["side", "ruby_buildpack"],
        "default-route": True,
    }
    assert app.droplet["buildpacks"] == [{"version": "1.2.3"}]
    assert app.urls == ("http://ruby.apps.localhost",)


def test_push_asks_for_each_step_in_the_clis_order(
    foundation: Foundation, session: cf.Session, app_folder: Path
) -> None:
    pushable(foundation)
    cf.push(session, SPACE, app_folder, app_folder / "manifest.yml", annotations={"a": "none"})
    changes = [one for one in foundation.asked("POST|PATCH") if one.path != "/oauth/token"]
    assert [one.path.split("/v3/")[1] for one in changes] == [
        "spaces/space-1/actions/apply_manifest",
        "apps/app-1",
        "packages",
        "packages/pkg-1/upload",
        "builds",
        "apps/app-1/relationships/current_droplet",
        "apps/app-1/actions/restart",
    ]
    assert changes[1].json == {"metadata": {"annotations": {"a": "none"}}}


def test_push_uploads_the_folder_without_its_manifest(
    foundation: Foundation, session: cf.Session, app_folder: Path, tmp_path: Path
) -> None:
    pushable(foundation)
    cf.push(session, SPACE, app_folder, app_folder / "manifest.yml")
    (sent,) = foundation.asked("POST", "/v3/packages/pkg-1/upload")
    received = tmp_path / "received.zip"
    received.write_bytes(bits(sent))
    assert zipfile.ZipFile(received).namelist() == ["config.ru"]
    assert b'name="resources"\r\n\r\n[]' in sent.body


def test_push_with_a_failed_build_shows_the_error_and_the_staging_log(
    foundation: Foundation, session: cf.Session, app_folder: Path
) -> None:
    pushable(foundation, build="FAILED")
    with pytest.raises(cf.StagingFailedError) as caught:
        cf.push(session, SPACE, app_folder, app_folder / "manifest.yml")
    assert "StagingError - Staging error: staging failed" in caught.value.message
    assert "[STG/0] OUT curl: (6) no host" in caught.value.message
    assert "missing $PORT_A" not in caught.value.message


def test_push_with_a_crashing_app_shows_its_details_and_its_log(
    foundation: Foundation, session: cf.Session, app_folder: Path
) -> None:
    pushable(foundation, instance="CRASHED")
    with pytest.raises(cf.StartFailedError) as caught:
        cf.push(session, SPACE, app_folder, app_folder / "manifest.yml")
    assert "the app crashed: Exited with status 1" in caught.value.message
    assert "[APP/PROC/WEB/SIDECAR/SIDE/0] OUT missing $PORT_A" in caught.value.message


def test_push_of_a_manifest_that_is_refused_shows_each_problem(
    foundation: Foundation, session: cf.Session, app_folder: Path
) -> None:
    pushable(foundation)
    words = [{"detail": "For application 'ruby': a"}, {"detail": "For application 'ruby': b"}]
    foundation.on("POST", ".*/apply_manifest", status=422, body={"errors": words})
    with pytest.raises(FoundationError, match="'ruby': a; For application 'ruby': b"):
        cf.push(session, SPACE, app_folder, app_folder / "manifest.yml")


def test_manifest_with_two_applications_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text("applications: [{name: a}, {name: b}]")
    with pytest.raises(ConfigError, match="exactly one application"):
        cf.read_manifest(path)


def test_wait_without_an_end_is_cut_off() -> None:
    with pytest.raises(FoundationError, match="staging took longer than 0 s"):
        cf.wait_for(lambda: None, limit=0.01, what="staging")


def test_sidecars_are_those_of_the_process(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("GET", "/v3/apps/app-1/processes/web", body={"guid": "web-1"})
    foundation.listing("/v3/processes/web-1/sidecars", {"guid": "s-1", "name": "side", "command": "./side"})
    assert [row["command"] for row in cf.sidecars(session, "app-1")] == ["./side"]


def test_process_types_are_those_of_the_app(foundation: Foundation, session: cf.Session) -> None:
    foundation.listing("/v3/apps/app-1/processes", {"type": "web"}, {"type": "worker"})
    assert cf.process_types(session, "app-1") == ["web", "worker"]


# --- what is uploaded of a folder


def packed(folder: Path, tmp_path: Path) -> dict[str, zipfile.ZipInfo]:
    package.pack(folder, tmp_path / "packed.zip")
    return {entry.filename: entry for entry in zipfile.ZipFile(tmp_path / "packed.zip").infolist()}


def test_package_leaves_out_what_the_cli_leaves_out(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    for name in (".git/HEAD", "logs/a.log", "logs/keep.log", "sub/manifest.yml", "manifest.yaml", "app.rb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".cfignore").write_text("# logs\n*.log\n!keep.log\n!manifest.yaml\n")
    assert sorted(packed(folder, tmp_path)) == ["app.rb", "logs/", "logs/keep.log", "sub/"]


def test_package_keeps_modes_and_symlinks(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "data").write_text("d")
    (folder / "data").chmod(0o640)
    (folder / "link").symlink_to("run")
    entries = packed(folder, tmp_path)
    modes = {name: entry.external_attr >> 16 for name, entry in entries.items()}
    assert modes == {
        "run": stat.S_IFREG | 0o755,
        "data": stat.S_IFREG | 0o640,
        "link": stat.S_IFLNK | 0o777,
    }
    assert zipfile.ZipFile(tmp_path / "packed.zip").read("link") == b"run"


def test_package_of_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    with pytest.raises(ConfigError, match="holds no file"):
        package.pack(tmp_path / "app", tmp_path / "packed.zip")


# --- logs, routes, answers of apps


def test_recent_logs_are_sorted_and_carry_their_source(foundation: Foundation, session: cf.Session) -> None:
    foundation.log("app-1", ("STG", "one"), ("APP/PROC/WEB/SIDECAR/CONFIG-SERVER", "twö"))
    lines = cf.recent_logs(session, "app-1")
    assert [(line.source, line.text) for line in lines] == [
        ("STG", "one"),
        ("APP/PROC/WEB/SIDECAR/CONFIG-SERVER", "twö"),
    ]


def test_urls_take_scheme_and_port_from_the_local_router(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("GET", "/v3/info", body={"custom": {"router": "http://127.0.0.1:8099"}})
    foundation.listing("/v3/apps/app-1/routes", {"guid": "r", "url": "ruby.apps.localhost/sub"})
    assert cf.urls(session, "app-1") == ["http://ruby.apps.localhost:8099/sub"]


def test_visit_of_a_localhost_name_needs_no_resolver(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("GET", "/config", body={"Scope": "s"})
    port = foundation.api.rsplit(":", 1)[1]
    answer = cf.visit(session, f"http://no-resolver-knows.apps.localhost:{port}/config")
    assert (answer.status, answer.body) == (200, '{"Scope": "s"}')
    assert foundation.requests[-1].headers["Host"] == f"no-resolver-knows.apps.localhost:{port}"


def test_visit_sends_the_app_no_token(foundation: Foundation, session: cf.Session) -> None:
    foundation.on("GET", "/", body={})
    cf.visit(session, f"{foundation.api}/")
    assert "Authorization" not in foundation.requests[-1].headers


def test_visit_waits_until_the_router_knows_the_route(foundation: Foundation, session: cf.Session) -> None:
    replies = iter([Reply(status=404, headers={"X-Cf-Routererror": "unknown_route"}), Reply(status=502)])
    foundation.on("GET", "/late", lambda _: next(replies, Reply(body=b"here")))
    assert cf.visit(session, f"{foundation.api}/late").body == "here"


def test_visit_of_a_route_that_never_comes_shows_the_last_answer(
    foundation: Foundation, session: cf.Session
) -> None:
    foundation.on("GET", "/never", status=502, body=b"no healthy instance")
    with pytest.raises(FoundationError, match="its last answer was: HTTP 502 no healthy instance"):
        cf.visit(session, f"{foundation.api}/never", limit=0.01)


def test_environments_proxy_is_not_used_for_this_machine(
    foundation: Foundation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    monkeypatch.delitem(os.environ, "no_proxy", raising=False)
    assert cf.info(cf.login(foundation.api, "admin", PASSWORD)).local is False
