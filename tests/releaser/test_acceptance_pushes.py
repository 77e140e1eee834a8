"""The pushes of an acceptance run: by name or by URL, cut off, and what is kept of those that failed."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaser.errors import ConfigError, FoundationError, PackageError
from releaser.tools import cf
from releaser.tools.public import Public
from tests.acceptance import diagnostics, installs, offline
from tests.acceptance.candidate import Candidate, Row
from tests.acceptance.pushes import Pushes, pushing
from tests.acceptance.run import Run, running
from tests.foundation.api.stand import line
from tests.releaser import web
from tests.releaser.acceptance_stand import Tenancy, tenancy

pytestmark = pytest.mark.slow
CACHED = Row(app="rubyapp", way="cached", stack="cflinuxfs4")
PATIENCE_S = 60.0


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Tenancy]:
    with tenancy(tmp_path) as found:
        yield found


def finished(pushes: Pushes) -> None:
    for job in all_of(pushes):
        job.exception(PATIENCE_S)


def all_of(pushes: Pushes) -> list[Future[Any]]:
    return [*pushes.apps.values(), *pushes.stagings.values()]


def push(
    there: Tenancy,
    candidate: Candidate,
    while_there: Callable[[Run, Pushes], None] = lambda _run, pushes: finished(pushes),
    failed: set[str] | None = None,
) -> Run:
    """Push all rows, and let something be done before they go again."""
    with running(candidate, there.folder) as run:
        installed = installs.install(run)
        with pushing(run, installed, lambda: failed or set()) as pushes:
            while_there(run, pushes)
    return run


def test_pushed_apps_and_routes_bear_the_mark_and_go(there: Tenancy) -> None:
    before, seen = there.names(), []

    def look(run: Run, pushes: Pushes) -> None:
        finished(pushes)
        for kind in ("apps", "routes"):
            rows = cf.resources(run.session, f"/v3/{kind}", what="list")
            seen.append([run.mark.made(row) for row in rows])

    run = push(there, there.candidate, look)
    assert seen == [[True] * 4, [True] * 3]  # the control of the offline proof has no route
    assert there.names() == before
    assert run.complaints == []


def test_app_that_stays_keeps_its_name_and_its_buildpack(there: Tenancy) -> None:
    run = push(there, replace(there.candidate, shared=False, keep=frozenset(["rubyapp"])))
    names = there.names()
    assert names["apps"] == ["app-using-config-server"]
    assert names["routes"] == ["app-using-config-server"]
    assert names["buildpacks"] == ["ruby_buildpack", f"{run.mark.name}-uncached"]


def test_pushes_that_nobody_waits_for_are_cut_off_and_leave_nothing(there: Tenancy) -> None:
    before, under_way, let_go = there.names(), threading.Event(), threading.Event()
    waited_for: list[float] = []

    def block() -> None:
        under_way.set()
        if not let_go.wait(PATIENCE_S):
            waited_for.append(PATIENCE_S)

    there.stand.stager.before = block
    jobs: list[Future[Any]] = []

    def leave(_run: Run, pushes: Pushes) -> None:
        assert under_way.wait(PATIENCE_S)
        jobs.extend(all_of(pushes))

    try:
        push(there, there.candidate, leave)
        assert not waited_for
    finally:
        let_go.set()
    assert all(job.done() for job in jobs)
    assert not any(job.exception() is None for job in jobs if not job.cancelled())
    assert there.names() == before


def test_git_among_the_ways_without_a_url_is_told_before_anything_is_made(there: Tenancy) -> None:
    before = there.names()
    with pytest.raises(ConfigError, match="the candidate has no git URL"):
        push(there, replace(there.candidate, git=None))
    assert there.names() == before


# --- by URL


@pytest.fixture
def bucket(there: Tenancy) -> Iterator[web.Server]:
    files = {f"/{one.key}": one.path for one in there.candidate.zips}
    with web.serve(lambda asked: web.Answer(body=files[asked.path].read_bytes())) as server:
        yield server


def by_url(there: Tenancy, bucket: web.Server) -> Candidate:
    candidate = there.with_target(create_buildpacks=False)
    return replace(candidate, public=Public(base=bucket.url))


def test_user_who_may_not_create_buildpacks_pushes_by_url_and_asks_for_none(
    there: Tenancy, bucket: web.Server
) -> None:
    before = there.names()
    there.asked.clear()
    push(there, by_url(there, bucket))
    asked = {method for method, path in there.asked if path.startswith("/v3/buildpacks")}
    assert asked == {"GET"}
    used = {pack.key for request in there.stand.stager.requests for pack in request.buildpacks}
    assert {f"{bucket.url}/toy-uncached.zip", f"{bucket.url}/toy-cached.zip"} <= used
    assert there.names() == before


def test_url_whose_bytes_are_others_stops_before_the_first_push(there: Tenancy) -> None:
    before = there.names()
    with web.serve(lambda _asked: web.Answer(body=b"other bytes")) as changed:
        candidate = by_url(there, changed)
        with pytest.raises(PackageError, match=rf"{changed.url}/toy-\w+\.zip has the digest"):
            push(there, candidate)
    assert there.names() == before


def test_proof_by_url_closes_what_curl_heeds_and_leaves_the_platform_its_way(
    there: Tenancy, bucket: web.Server
) -> None:
    seen: dict[str, Any] = {}

    def look(run: Run, pushes: Pushes) -> None:
        finished(pushes)
        name = offline.app_name(run, "uncached", "cflinuxfs4")
        app = cf.find_app(run.session, run.space, name)
        assert app is not None
        seen.update(there.stand.get(f"/v3/apps/{app['guid']}/environment_variables")["var"])
        seen["annotations"] = app["metadata"]["annotations"]
        seen["stagings"] = set(pushes.stagings)

    push(there, by_url(there, bucket), look)
    assert seen["all_proxy"] == offline.CLOSED
    assert not {"http_proxy", "HTTPS_PROXY"} & set(seen)
    assert seen["annotations"] == {}
    assert seen["stagings"] == {("cached", "cflinuxfs4"), ("uncached", "cflinuxfs4")}


def test_missing_final_buildpack_is_told_where_none_may_be_created(
    there: Tenancy, bucket: web.Server
) -> None:
    own = there.stand.get("/v3/buildpacks")["resources"][0]["guid"]
    there.stand.delete(f"/v3/buildpacks/{own}")
    with pytest.raises(FoundationError, match=r"has no ruby_buildpack, and foundation\.create_buildpacks"):
        push(there, by_url(there, bucket))
    assert there.names()["buildpacks"] == []


# --- diagnostics

PLANTED = {
    "DB_PASSWORD": "pl4nted-of-the-app",
    "API_KEY": "pl4nted\n-key-of-two-lines-pl4nted",
    "DATABASE_URL": "postgres://u:pl4nted-in-a-url@db/x",
    "HARMLESS": "a-value-that-helps",
}


def test_of_a_failed_row_all_is_kept_that_tells_why_and_no_secret(
    there: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CF_CLIENT_SECRET", 'pl4nted$.*+?^(|[x]"\\')
    token = there.stand.token()["access_token"]

    def plant(run: Run, pushes: Pushes) -> None:
        finished(pushes)
        app = pushes.apps[CACHED].result()
        there.stand.patch(f"/v3/apps/{app.guid}/environment_variables", {"var": PLANTED})
        said = there.stand.world.logs.sink(app.guid)
        said(line(f"{PLANTED['DB_PASSWORD']} -key-of-two-lines-pl4nted", "APP/PROC/WEB"))
        said(line(f"Authorization: bearer {token}", "APP/PROC/WEB"))
        said(line('GET https://pl4nted@host/ pl4nted$.*+?^(|[x]"\\', "STG"))
        there.stand.get(f"/api/v1/read/{app.guid}")

    push(there, there.candidate, plant, failed={str(CACHED)})
    folder = there.folder / "diagnostics"
    assert [path.name for path in folder.iterdir()] == ["rubyapp-cached-cflinuxfs4"]
    texts = {path.name: path.read_text() for path in (folder / "rubyapp-cached-cflinuxfs4").iterdir()}
    logs = [path.read_text() for path in (there.folder / "logs").iterdir()]
    assert len(logs) == 4
    for text in (*texts.values(), *logs):
        assert token not in text
    for text in texts.values():
        assert "pl4nted" not in text
        assert there.stand.world.auth.password not in text
    told_why(texts)


def told_why(texts: dict[str, str]) -> None:
    """Every part is there, and says what its name promises."""
    assert "-----> Staging" in texts["staging.log"]
    assert "Invoking start command." in texts["app.log"]
    environment = json.loads(texts["environment.json"])["environment_variables"]
    assert environment["DB_PASSWORD"] == diagnostics.HIDDEN
    assert environment["HARMLESS"] == "a-value-that-helps"
    (application,) = yaml.safe_load(texts["manifest.yml"])["applications"]
    assert application["buildpacks"][1] == "ruby_buildpack"
    assert json.loads(texts["builds.json"])["resources"][0]["state"] == "STAGED"
    assert json.loads(texts["droplets.json"])["resources"][0]["stack"] == "cflinuxfs4"
    assert json.loads(texts["stats.json"])["web"]["resources"][0]["state"] == "RUNNING"
    assert texts["events.json"].startswith("not available: cannot read /v3/audit_events")


def test_credentials_of_services_are_hidden_and_known_elsewhere() -> None:
    bound = {"name": "db", "credentials": {"uri": "x-secret-uri", "ports": [54321], "none": None}}
    secrets: set[str] = set()
    shown = diagnostics.concealed({"VCAP_SERVICES": {"user-provided": [bound]}}, secrets)
    assert shown["VCAP_SERVICES"]["user-provided"][0] == {
        "name": "db",
        "credentials": {"uri": diagnostics.HIDDEN, "ports": [diagnostics.HIDDEN], "none": None},
    }
    assert diagnostics.cleaned({"log": "at x-secret-uri"}, secrets) == {"log": f"at {diagnostics.HIDDEN}"}


def test_row_that_passed_leaves_its_log_alone(there: Tenancy) -> None:
    push(there, there.candidate)
    assert not (there.folder / "diagnostics").exists()
    assert len(list((there.folder / "logs").iterdir())) == 4
