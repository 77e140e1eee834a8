"""What status says of foundations: what is installed, what is odd about it, which apps are stale."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from releaser import report
from releaser.installing import foundations, whereabouts
from releaser.installing import install as installing
from releaser.installing.foundations import Foundation
from releaser.tools.s3 import Store
from tests.foundation.api.talk import buildpack_zip
from tests.releaser import site as sites
from tests.releaser.site import BUILDPACK, ROOT, STACK, Site

pytestmark = pytest.mark.slow  # each test has a foundation of its own

OLD, NEW = "0.1.0", "0.1.1"


@pytest.fixture
def site(tmp_path: Path, store: Store, prefix: str) -> Iterator[Site]:
    with sites.serve(tmp_path, store, prefix) as found:
        yield found


def look(site: Site) -> Foundation:
    return foundations.look(site.world, site.here)[0]


def text(found: Foundation) -> str:
    return "\n".join(f"{name}: {words}" for name, words in whereabouts.rows(found).items())


def test_nothing_installed_is_said(site: Site) -> None:
    found = look(site)
    assert (found.name, found.problem, found.installed, found.apps) == ("embedded", None, (), ())
    assert "installed: nothing: ./inv install" in text(found)


def test_installed_and_kept_ones_are_compared_with_the_record(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT, version=OLD, variant="uncached")
    installing.install(site.world, ROOT)
    rows = [(one.role, one.version, one.variant, one.position, one.enabled) for one in look(site).installed]
    assert rows == [("current", NEW, "cached", 1, True), ("kept", OLD, "uncached", 2, False)]
    assert look(site).warnings == ()
    assert f"{BUILDPACK} (cflinuxfs4): 0.1.1, cached, position 1, enabled" in text(look(site))


def test_app_that_was_staged_with_an_older_one_is_stale_until_it_is_staged_again(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT, version=OLD)
    site.stage("shop", OLD)
    site.stage("idle", OLD, start=False)
    assert [app.stale for app in look(site).apps] == [False, False]
    installing.install(site.world, ROOT)
    assert [(app.name, app.version, app.wanted, app.stale) for app in look(site).apps] == [
        ("idle", OLD, NEW, True),
        ("shop", OLD, NEW, True),
    ]
    shown = text(look(site))
    assert "local/local/shop has 0.1.0" in shown
    assert "cf restage shop" in shown
    assert "local/local/idle (stopped) has 0.1.0" in shown
    site.stage("shop", NEW)
    assert [app.name for app in look(site).apps if app.stale] == ["idle"]


def test_app_that_names_a_url_is_listed_though_restaging_does_not_help(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT)
    site.stage("shop", OLD, asked="https://example.com/b.git#v0.1.0")
    (app,) = look(site).apps
    assert (app.stale, app.follows) == (True, False)
    assert "has 0.1.0 of https://example.com/b.git#v0.1.0: restaging does not change it" in text(look(site))


def test_droplet_that_is_not_the_current_one_does_not_count(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT)
    app = site.stage("shop", OLD)
    old = site.stand.get(f"/v3/apps/{app}/relationships/current_droplet")["data"]["guid"]
    site.stage("shop", NEW)
    assert [one.version for one in look(site).apps] == [NEW]
    site.stand.assign(app, old)
    assert [one.version for one in look(site).apps] == [OLD]


def test_app_without_the_buildpack_is_not_listed(site: Site) -> None:
    site.stand.push("other")
    site.publish(OLD)
    installing.install(site.world, ROOT)
    assert look(site).apps == ()


def test_many_apps_are_asked_for_in_few_requests(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("releaser.tools.cf.droplets.PAGE", 2)
    monkeypatch.setattr("releaser.tools.cf.droplets.AT_ONCE", 2)
    site.publish(OLD)
    installing.install(site.world, ROOT)
    for number in range(5):
        site.stage(f"app{number}", OLD, start=False)
    assert [(app.organization, app.space, app.name) for app in look(site).apps] == [
        ("local", "local", f"app{number}") for number in range(5)
    ]


def test_yanked_version_is_warned_of(site: Site) -> None:
    site.publish(OLD)
    installing.install(site.world, ROOT)
    yank = {"version": OLD, "reason": "it leaks", "date": "2026-01-01T00:00:00Z", "by": "Ada"}
    site.put(f"{site.prefix}/{OLD}/yanked.json", json.dumps(yank).encode())
    assert look(site).warnings == (
        f"{BUILDPACK} (cflinuxfs4) is 0.1.0, yanked since 2026-01-01T00:00:00Z: it leaks",
    )


def test_what_is_odd_is_warned_of(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT, version=OLD)
    installing.install(site.world, ROOT)
    guid = site.record().guid
    site.stand.upload(f"/v3/buildpacks/{guid}/upload", buildpack_zip(), "mine.zip")
    site.stand.patch(f"/v3/buildpacks/{guid}", {"enabled": False})
    site.stand.create_buildpack(BUILDPACK, "other")
    site.stand.post("/v3/buildpacks", {"name": BUILDPACK})
    store = site.world.store
    store.client.delete_object(Bucket=store.bucket, Key=f"{site.prefix}/{OLD}/release.json")
    warnings = "\n".join(look(site).warnings)
    for words in (
        f"{BUILDPACK} (cflinuxfs4) holds bits that the record of 0.1.1 does not know: mine.zip",
        f"{BUILDPACK} (cflinuxfs4) is disabled: pushes that name it are refused",
        f"{BUILDPACK}-v0-1-0 (cflinuxfs4) says that it is 0.1.0, which is not published in this bucket",
        f"{BUILDPACK} (no stack) holds nothing and misleads `cf update-buildpack`",
        f"{BUILDPACK} (other) was not installed by ./inv install",
    ):
        assert words in warnings
    assert len(look(site).warnings) == 5


def test_swap_that_was_cut_off_is_warned_of(site: Site) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT, version=OLD)
    with pytest.raises(sites.Killed), sites.Writes(kill_after=3):
        installing.install(site.world, ROOT)
    warnings = look(site).warnings
    assert any("is missing, as a swap was cut off: run ./inv install again" in one for one in warnings)
    installing.install(site.world, ROOT)
    assert look(site).warnings == ()


# --- several foundations


def checkout(folder: Path, site: Site, production: str, **environments: str) -> Path:
    """Return a folder with a sidecar.yml that names these foundations by their addresses."""
    settings = site.world.config.model_dump(mode="json")
    settings["foundation"] |= {"name": "production", "api": production}
    settings["environments"] = {
        name: {"foundation": {"name": name, "api": api}} for name, api in environments.items()
    }
    (folder / "sidecar.yml").write_text(json.dumps(settings))
    return folder


def test_every_configured_foundation_is_asked_as_its_own_user(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(OLD)
    installing.install(site.world, ROOT)
    other = replace(site.world, environment="elsewhere", access=None)
    here = checkout(tmp_path, site, "http://127.0.0.1:1", blue=str(site.world.config.foundation.api))
    store = site.world.store
    assert store.keys is not None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.keys.secret_access_key)
    monkeypatch.setenv("CF_USERNAME", "nobody")
    monkeypatch.setenv("CF_PASSWORD", "wrong")
    monkeypatch.setenv("CF_USERNAME_BLUE", "admin")
    monkeypatch.setenv("CF_PASSWORD_BLUE", site.stand.world.auth.password)
    settings = other.config.model_copy(
        update={"foundation": other.config.foundation.model_copy(update={"api": None})}
    )
    own, production, blue = foundations.look(replace(other, config=settings), here)
    assert own.problem == "none of its own: foundation.api is null, and a local foundation accepts"
    assert "cannot sign in to http://127.0.0.1:1" in str(production.problem)
    assert (blue.name, blue.environment, blue.problem) == ("blue", "blue", None)
    assert [one.version for one in blue.installed] == [OLD]


def test_foundation_without_a_user_says_which_variables_to_set(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CF_USERNAME", "CF_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    here = checkout(tmp_path, site, "http://127.0.0.1:1", **{"blue-green": "http://127.0.0.1:2"})
    problems = [one.problem or "" for one in foundations.look(site.world, here)]
    assert problems[0] == ""
    assert "set CF_USERNAME_PRODUCTION and CF_PASSWORD_PRODUCTION" in problems[1]
    assert "set CF_USERNAME_BLUE_GREEN and CF_PASSWORD_BLUE_GREEN" in problems[2]


def test_wrong_password_is_a_problem_of_that_row_and_is_not_shown(site: Site) -> None:
    access = replace(site.world.access, password="another-secret")  # type: ignore[type-var]
    (found, *_) = foundations.look(replace(site.world, access=access), site.here)
    assert "gives no token" in str(found.problem)
    assert "another-secret" not in str(found.problem)


def test_json_says_all_that_the_rows_say(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.publish(OLD, NEW)
    installing.install(site.world, ROOT, version=OLD)
    site.stage("shop", OLD)
    installing.install(site.world, ROOT)
    capsys.readouterr()
    report.document(whereabouts.document(foundations.look(site.world, site.here)))
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["environment"], row["problem"], row["warnings"]) == ("embedded", None, [])
    assert [one["role"] for one in row["installed"]] == ["current", "kept"]
    (app,) = row["apps"]
    assert (app["name"], app["version"], app["wanted"], app["stale"]) == ("shop", OLD, NEW, True)
    assert app["stack"] == STACK
