"""`--env NAME`: the same steps against a bucket, a remote and a foundation that somebody else runs."""

import json
from collections.abc import Callable, Mapping

import pytest
import yaml

from tests.train.clone import Clone

pytestmark = [pytest.mark.train, pytest.mark.xdist_group("train")]


@pytest.fixture(scope="module")
def secrets(undisturbed: Clone) -> Mapping[str, str]:
    """The credentials of another clone's services, by the standard variables."""
    keys = json.loads((undisturbed.local / "embedded/s3/keys.json").read_text())
    ready = json.loads((undisturbed.local / "embedded/foundation/ready.json").read_text())
    return {
        "AWS_ACCESS_KEY_ID": keys["id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret"],
        "CF_USERNAME": ready["user"],
        "CF_PASSWORD": ready["password"],
    }


@pytest.fixture(scope="module")
def clone(undisturbed: Clone, make_clone: Callable[[str], Clone]) -> Clone:
    """A clone whose sidecar.yml names another clone's services as its environment `staging`."""
    import docker

    made = make_clone("named")
    ready = json.loads((undisturbed.local / "embedded/foundation/ready.json").read_text())
    remote = undisturbed.remote.with_name("named.git")
    network = next(
        one.attrs["IPAM"]["Config"][0]["Gateway"]
        for one in docker.from_env().networks.list()
        if one.name == f"sidecar-train-{undisturbed.identity}"
    )
    settings = yaml.safe_load((made.root / "sidecar.yml").read_text())
    settings["environments"] = {
        "staging": {
            "s3": {
                "endpoint": undisturbed.endpoint,
                "bucket": "releases",
                "prefix": "named",
                "public_url": f"http://{network}:7480/releases",
            },
            "git": {"remote": str(remote), "public_url": f"git://{network}:7418/named.git"},
            "foundation": {
                "name": "staging",
                "api": ready["api"],
                "organization": "somebody",
                "space": "elsewhere",
            },
            "acceptance": {"stand_in": True},
        }
    }
    made.commit("feat: an environment", {"sidecar.yml": yaml.safe_dump(settings, sort_keys=False)})
    made.git("init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    made.git("push", "--quiet", str(remote), "HEAD:main")
    return made


def test_release_without_credentials_says_which_are_missing(clone: Clone) -> None:
    done = clone.inv("release", "--env", "staging")
    assert done.returncode == 4, done.stdout
    assert "AWS_ACCESS_KEY_ID" in done.stdout


def test_wrong_password_of_the_foundation_is_told_and_nothing_becomes_public(
    clone: Clone, secrets: Mapping[str, str]
) -> None:
    done = clone.inv("release", "--env", "staging", **{**secrets, "CF_PASSWORD": "a-wrong-password"})
    assert done.returncode in (8, 9), done.stdout
    assert "a-wrong-password" not in done.stdout
    refs = clone.git("ls-remote", "--refs", str(clone_remote(clone)))
    assert "refs/tags" not in refs
    assert "refs/heads/candidate/" in refs


def test_release_goes_on_with_the_right_one(clone: Clone, secrets: Mapping[str, str]) -> None:
    done = clone.inv("release", "--env", "staging", **secrets)
    assert done.returncode == 0, done.stdout
    assert not [name for name in secrets if name != "CF_USERNAME" and secrets[name] in done.stdout]
    refs = clone.git("ls-remote", "--refs", str(clone_remote(clone)))
    assert "refs/tags/v0.1.0" in refs
    assert "refs/heads/candidate/" not in refs
    again = clone.inv("release", "--env", "staging", **secrets)
    assert "Nothing to release" in again.stdout


def clone_remote(clone: Clone) -> str:
    """Return the remote of the environment."""
    settings = yaml.safe_load((clone.root / "sidecar.yml").read_text())
    return str(settings["environments"]["staging"]["git"]["remote"])
