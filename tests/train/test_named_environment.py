"""`--env NAME`: the same steps against a bucket, a remote and a foundation that somebody else runs.

What is released is a fork that calls things otherwise in sidecar.yml alone.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from releaser.tools import cf
from tests import fork, project
from tests.acceptance import tenancy
from tests.train.clone import PATIENCE_S, Clone, environment
from tests.train.gate import Gate, gate

pytestmark = [pytest.mark.train]
PASSWORD = 'pl4nted$.*+?^(|[x]"\\'
KINDS = ("organizations", "spaces", "apps", "routes", "buildpacks")


@pytest.fixture(scope="module")
def foundation(undisturbed: Clone) -> Iterator[Gate]:
    """Another clone's foundation, which others use too; its user has a password that is hard to hide."""
    ready = json.loads((undisturbed.local / "embedded/foundation/ready.json").read_text())
    with gate(ready["api"], ready["password"], PASSWORD) as before:
        yield before


@pytest.fixture(scope="module")
def secrets(undisturbed: Clone) -> Mapping[str, str]:
    """The credentials of another clone's services, by the standard variables."""
    keys = json.loads((undisturbed.local / "embedded/s3/keys.json").read_text())
    return {
        "AWS_ACCESS_KEY_ID": keys["id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret"],
        "CF_USERNAME": "admin",
        "CF_PASSWORD": PASSWORD,
    }


@pytest.fixture(scope="module")
def clone(undisturbed: Clone, foundation: Gate, make_clone: Callable[[str], Clone]) -> Clone:
    """A fork whose sidecar.yml names another clone's services as environments of its own.

    `staging` makes its own organization; the user of `customer` may not install buildpacks.
    """
    import docker

    made = make_clone("named")
    remote = undisturbed.remote.with_name("named.git")
    network = next(
        one.attrs["IPAM"]["Config"][0]["Gateway"]
        for one in docker.from_env().networks.list()
        if one.name == f"sidecar-train-{undisturbed.identity}"
    )
    shared = {
        "s3": {
            "endpoint": undisturbed.endpoint,
            "bucket": "releases",
            "prefix": "named",
            "public_url": f"http://{network}:7480/releases",
        },
        "git": {"remote": str(remote), "public_url": f"git://{network}:7418/named.git"},
        "acceptance": {"stand_in": True},
    }
    staging = {"name": "staging", "api": foundation.api}
    customer = {**staging, "name": "customer", "create_buildpacks": False}
    place = {"organization": "local", "space": "local"}
    settings = project.merged(yaml.safe_load((made.root / "sidecar.yml").read_text()), fork.RENAMED)
    settings["environments"] = {
        "staging": {**shared, "foundation": staging},
        "customer": {**shared, "foundation": {**customer, **place}},
        "broken": {**shared, "foundation": {**staging, "name": "broken"}},
    }
    made.commit("feat: an environment", {"sidecar.yml": yaml.safe_dump(settings, sort_keys=False)})
    made.git("init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    made.git("push", "--quiet", str(remote), "HEAD:main")
    return made


@pytest.fixture
def world(undisturbed: Clone, foundation: Gate) -> Iterator["World"]:
    """The foundation as its operator sees it: nothing of it may have changed when a test is over."""
    found = World(undisturbed)
    before = found.things()
    foundation.asked.clear()
    yield found
    assert found.things() == before


class World:
    """What an operator sees on the foundation."""

    def __init__(self, undisturbed: Clone) -> None:
        ready = json.loads((undisturbed.local / "embedded/foundation/ready.json").read_text())
        self.session = cf.login(ready["api"], ready["user"], ready["password"])

    def rows(self) -> list[Mapping[str, Any]]:
        return [row for kind in KINDS for row in cf.resources(self.session, f"/v3/{kind}", what="list")]

    def things(self) -> list[tuple[str, str]]:
        """Return the guid of everything, and when it was changed."""
        return sorted((row["guid"], row["updated_at"]) for row in self.rows())

    def pushed(self) -> bool:
        """Say whether an acceptance run has made an app."""
        apps = cf.resources(self.session, "/v3/apps", what="list")
        return any(tenancy.RUN in row["metadata"]["labels"] for row in apps)


def test_release_without_credentials_says_which_are_missing(clone: Clone) -> None:
    done = clone.inv("release", "--env", "staging")
    assert done.returncode == 4, done.stdout
    assert "AWS_ACCESS_KEY_ID" in done.stdout


def test_wrong_password_of_the_foundation_is_told_and_nothing_becomes_public(
    clone: Clone, secrets: Mapping[str, str], world: World
) -> None:
    done = clone.inv("release", "--env", "staging", **{**secrets, "CF_PASSWORD": "a-wrong-password"})
    assert done.returncode in (8, 9), done.stdout
    assert "a-wrong-password" not in done.stdout
    refs = clone.git("ls-remote", "--refs", str(clone_remote(clone)))
    assert "refs/tags" not in refs
    assert "refs/heads/candidate/" in refs


def test_release_that_is_told_to_end_removes_what_it_made_before_it_ends(
    clone: Clone, secrets: Mapping[str, str], world: World
) -> None:
    argv, log = [str(clone.root / "inv"), "release", "--env", "staging"], clone.local / "told.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**environment(), **secrets}
        )
        deadline = time.monotonic() + PATIENCE_S
        while not world.pushed():
            assert process.poll() is None, f"it ended unseen:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"nothing was pushed:\n{log.read_text()}"
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 130, log.read_text()
    assert not world.pushed()
    assert "interrupted" in log.read_text()


def test_release_goes_on_in_an_organization_of_its_own(
    clone: Clone, secrets: Mapping[str, str], world: World
) -> None:
    done = clone.inv("release", "--env", "staging", **secrets)
    assert done.returncode == 0, done.stdout
    assert "place: an organization of this run's own" in done.stdout
    assert not [name for name in secrets if name != "CF_USERNAME" and secrets[name] in done.stdout]
    refs = clone.git("ls-remote", "--refs", str(clone_remote(clone)))
    assert "refs/tags/v0.1.0" in refs
    assert "refs/heads/candidate/" not in refs
    again = clone.inv("release", "--env", "staging", **secrets)
    assert "Nothing to release" in again.stdout


def test_user_who_may_not_create_buildpacks_accepts_by_url(
    clone: Clone, secrets: Mapping[str, str], foundation: Gate, world: World
) -> None:
    foundation.refuse = lambda method, path: (
        method != "GET" and path.startswith(("/v3/buildpacks", "/v3/organizations"))
    )
    done = clone.inv("accept", "--env", "customer", **secrets)
    assert done.returncode == 0, done.stdout
    asked = {method for method, path in foundation.asked if path.startswith("/v3/buildpacks")}
    assert asked == {"GET"}
    assert "buildpacks: by the URLs of the zips" in done.stdout
    assert "proof: staged with curl's proxy on a closed port" in done.stdout
    assert "place: the given space" in done.stdout
    (passed,) = clone.local.glob("releases/customer/*/acceptance/report.json")
    read = [test["id"] for test in json.loads(passed.read_text())["tests"] if "at_its_url" in test["id"]]
    assert len(read) == 2


def test_failure_leaves_what_tells_why_and_no_secret_anywhere(
    clone: Clone, secrets: Mapping[str, str], foundation: Gate, world: World
) -> None:
    hidden = {"pagination": {"next": None}, "resources": []}
    foundation.refuse = lambda _method, _path: False
    foundation.instead = lambda _method, path: hidden if path.endswith("/sidecars") else None
    done = clone.inv("accept", "--env", "broken", **secrets)
    assert done.returncode == 9, done.stdout
    (folder,) = clone.local.glob("releases/broken/*/acceptance")
    assert f"diagnostics: {folder / 'diagnostics'}" in done.stdout
    rows = sorted(path.name for path in (folder / "diagnostics").iterdir())
    assert rows == [f"rubyapp-{way}-cflinuxfs4" for way in ("cached", "git", "uncached")]
    assert f"-----> Installing {fork.NAME}" in (folder / "diagnostics" / rows[0] / "staging.log").read_text()
    assert fork.NAME in (folder / "diagnostics" / rows[0] / "app.log").read_text()
    ready = {secrets["AWS_SECRET_ACCESS_KEY"], PASSWORD, json.dumps(PASSWORD)[1:-1], foundation.known}
    texts = [path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()]
    for text in (*texts, done.stdout):
        assert not [one for one in ready if one in text]
        assert "pl4nted" not in text


def clone_remote(clone: Clone) -> str:
    """Return the remote of the environment."""
    settings = yaml.safe_load((clone.root / "sidecar.yml").read_text())
    return str(settings["environments"]["staging"]["git"]["remote"])
