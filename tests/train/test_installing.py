"""Installing real releases on the local foundation: an app follows, and a killed swap is finished."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from releaser.tools import cf
from tests.train.clone import Clone

pytestmark = [pytest.mark.train]

OLD, NEW = "0.1.0", "0.1.1"
NAME = "config-server_buildpack"
APP = "app-of-a-team"


@dataclass(frozen=True)
class Team:
    """A clone that has released two versions, and its foundation as its users see it."""

    clone: Clone
    session: cf.Session
    space: cf.Space

    def inv(self, *args: str, code: int = 0) -> str:
        done = self.clone.inv(*args)
        assert done.returncode == code, done.stdout
        return done.stdout

    def versions(self) -> dict[str, tuple[str | None, bool]]:
        """Return version and state of each of our buildpacks, by name."""
        found = [one for one in cf.all_buildpacks(self.session) if one.name.startswith(NAME)]
        return {one.name: (one.labels.get("release-train.sidecar/version"), one.enabled) for one in found}

    def look(self) -> Mapping[str, Any]:
        """Return what ./inv status says of the foundation."""
        (found,) = json.loads(self.inv("status", "--json"))["foundations"]
        return dict(found)

    def stale(self) -> dict[str, str]:
        """Return the team's app and its version, if it was staged with another one than is installed.

        The app that the acceptance left up is not the team's.
        """
        apps = [one for one in self.look()["apps"] if one["name"] == APP]
        assert len(apps) == 1
        return {one["name"]: one["version"] for one in apps if one["stale"]}

    def push(self) -> None:
        folder = self.clone.root / "fixtures/rubyapp"
        cf.push(self.session, self.space, folder, folder / "manifest.yml", name=APP)

    def restage(self) -> str:
        """Restage the app as `cf restage` does, and return the version of its sidecar's buildpack."""
        app = cf.find_app(self.session, self.space, APP)
        assert app is not None
        path = f"/v3/apps/{app['guid']}/packages"
        package = cf.resources(self.session, path, what="list packages", states="READY")[-1]
        droplet = cf.stage(self.session, app["guid"], package["guid"])
        cf.start(self.session, app["guid"], droplet)
        return str(droplet["buildpacks"][0]["version"])


@pytest.fixture(scope="module")
def released(make_clone: Callable[[str], Clone]) -> Team:
    clone = make_clone("installing")
    clone.release()
    source = (clone.root / "sidecar_src" / "config.go").read_text()
    clone.commit("fix: a comment", {"sidecar_src/config.go": source + "// changed\n"})
    clone.release()
    ready = json.loads((clone.local / "embedded/foundation/ready.json").read_text())
    session = cf.login(ready["api"], ready["user"], ready["password"])
    return Team(clone, session, cf.ensure_space(session, ready["organization"], ready["space"]))


@pytest.fixture
def team(released: Team) -> Iterator[Team]:
    """The releases, with nothing installed."""
    yield released
    for one in cf.all_buildpacks(released.session):
        if one.name.startswith(NAME):
            cf.delete_buildpack(released.session, one)
    app = cf.find_app(released.session, released.space, APP)
    if app is not None:
        cf.delete_app(released.session, app["guid"])


def test_app_follows_what_is_installed_when_it_is_restaged(team: Team) -> None:
    team.inv("install", "--version", OLD)
    team.push()
    assert team.stale() == {}
    assert f"The old one is kept as {NAME}-v0-1-0, disabled" in team.inv("install")
    assert team.versions() == {NAME: (NEW, True), f"{NAME}-v0-1-0": (OLD, False)}
    assert team.stale() == {APP: OLD}
    assert team.restage() == NEW
    assert team.stale() == {}
    said = team.inv("rollback", "--to", OLD)
    assert f"{NAME}-v0-1-0 is still there: nothing to upload" in said
    assert team.versions() == {NAME: (OLD, True), f"{NAME}-v0-1-1": (NEW, False)}
    assert team.stale() == {APP: NEW}
    assert team.restage() == OLD


@pytest.mark.parametrize("seen", [f"{NAME}-v0-1-1-new-", f"{NAME}-v0-1-0"], ids=["uploading", "swapping"])
def test_install_that_is_killed_is_finished_by_the_next(team: Team, seen: str) -> None:
    team.inv("install", "--version", OLD)
    team.clone.inv_killed_when(lambda: any(one.startswith(seen) for one in team.versions()), "install")
    team.inv("install")
    assert team.versions() == {NAME: (NEW, True), f"{NAME}-v0-1-0": (OLD, False)}
    assert team.look()["warnings"] == []


def test_locked_buildpack_is_refused_until_it_is_unlocked(team: Team) -> None:
    team.inv("install", "--version", OLD)
    (current,) = cf.find_buildpacks(team.session, NAME)
    cf.change_buildpack(team.session, current, locked=True)
    said = team.inv("install", code=8)
    assert f"cf update-buildpack {NAME} -s cflinuxfs4 --unlock" in said
    assert team.versions() == {NAME: (OLD, True)}
    cf.change_buildpack(team.session, current, locked=False)
    team.inv("install")
    assert team.versions()[NAME] == (NEW, True)


def test_yanked_version_is_warned_of_and_not_installed(team: Team) -> None:
    """The last test: what is yanked stays so."""
    team.inv("install")
    assert "0.1.1 is yanked since" in team.inv("yank", NEW, "--reason", "a test")
    assert "0.1.1 is yanked since" in team.inv("yank", NEW, "--reason", "a test")
    team.inv("yank", NEW, "--reason", "another", code=5)
    team.inv("yank", "9.9.9", "--reason", "a test", code=2)
    (warning,) = team.look()["warnings"]
    assert "0.1.1, yanked since" in warning
    team.inv("install", "--version", NEW, code=2)
    team.inv("rollback", "--to", OLD)
    assert team.versions()[NAME] == (OLD, True)
    assert team.inv("install").count("already") == 1
