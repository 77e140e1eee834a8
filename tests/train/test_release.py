"""`./inv release` on a clone of its own: what a user sees, and what is in the world afterwards."""

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from tests.train.clone import Clone

pytestmark = [pytest.mark.train]

STORY = {"Scope": "some-service.admin", "Password": "not-a-real-p4$$w0rd"}


@pytest.fixture(scope="module")
def fresh(make_clone: Callable[[str], Clone]) -> Clone:
    """A clone for the tests of this file, which build on each other's releases."""
    return make_clone("release")


@pytest.fixture(scope="module")
def first(fresh: Clone) -> str:
    """What the first release printed."""
    return fresh.release()


def test_plan_before_anything_says_what_would_happen_and_changes_nothing(
    make_clone: Callable[[str], Clone],
) -> None:
    clone = make_clone("plan")
    head = clone.git("rev-parse", "HEAD")
    done = clone.inv("release", "--plan")
    assert done.returncode == 0, done.stdout
    for expected in ("0.1.0", head, "config-server_buildpack-cached-cflinuxfs4-v0.1.0.zip", "v0.1.0"):
        assert expected in done.stdout
    assert clone.refs() == {}
    assert clone.object_keys() == []
    assert [path.name for path in (clone.local / "releases" / "embedded").iterdir()] == ["git"]
    assert clone.git("status", "--porcelain") == ""


def test_app_answers_through_its_sidecar_at_the_printed_url(fresh: Clone, first: str) -> None:
    found = re.search(r"http://(app-using-config-server\.apps\.localhost):(\d+)", first)
    assert found, first
    base, host = f"http://127.0.0.1:{found[2]}", {"Host": found[1]}
    assert requests.get(base, headers=host, timeout=10).text.strip() == "Hi, I'm an app with a sidecar!"
    assert requests.get(f"{base}/config", headers=host, timeout=10).json() == STORY


def test_output_says_which_root_file_system_stood_in(first: str) -> None:
    assert re.search(r"cflinuxfs4:? (stand-in|official)", first), first


def test_release_tags_the_accepted_commit_and_leaves_no_candidate(fresh: Clone, first: str) -> None:
    refs = fresh.refs()
    assert set(refs) == {"refs/heads/main", "refs/tags/v0.1.0"}
    assert refs["refs/heads/main"] == refs["refs/tags/v0.1.0"] == fresh.record("0.1.0")["commit"]
    parent = fresh.git("rev-parse", "main^", at=fresh.remote)
    assert parent == fresh.git("rev-parse", "HEAD")


def test_release_leaves_the_checkout_as_it_is(fresh: Clone, first: str) -> None:
    assert fresh.git("status", "--porcelain") == ""
    assert fresh.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_version_is_the_same_everywhere(fresh: Clone, first: str) -> None:
    zips = {path.name: path for path in (fresh.local / "releases").rglob("*.zip")}
    for variant in ("", "-cached"):
        name = f"config-server_buildpack{variant}-cflinuxfs4-v0.1.0.zip"
        with zipfile.ZipFile(zips[name]) as archive:
            assert archive.read("VERSION") == archive.read(".version") == b"0.1.0\n"
            assert b"version: 0.1.0" in archive.read("manifest.yml")
    assert fresh.record("0.1.0")["version"] == "0.1.0"


def test_second_run_finds_nothing_to_release(fresh: Clone, first: str) -> None:
    before = fresh.objects()
    assert "Nothing to release" in fresh.release()
    fresh.forget_local_files()
    assert "Nothing to release" in fresh.release()
    assert fresh.objects() == before


def test_uncommitted_change_is_said_and_not_released(fresh: Clone, first: str) -> None:
    path = fresh.root / "sidecar_src" / "config.go"
    committed = path.read_text()
    path.write_text(committed + "// not committed\n")
    try:
        said = fresh.release()
    finally:
        path.write_text(committed)
    assert "Uncommitted changes are not part of the release: sidecar_src/config.go" in said
    assert "Nothing to release" in said


def test_step_by_step_release_of_a_change_is_the_next_version(
    fresh: Clone, first: str, tmp_path: Path
) -> None:
    source = (fresh.root / "sidecar_src" / "config.go").read_text()
    fresh.commit("fix: a comment", {"sidecar_src/config.go": source + "// changed\n"})
    train = tmp_path / "train.json"
    assert fresh.inv("plan", "--out", str(train)).returncode == 0
    for verb in ("build", "upload", "bump", "commit", "package", "accept", "promote"):
        done = fresh.inv(verb, "--train", str(train))
        assert done.returncode == 0, done.stdout
    assert set(fresh.refs()) == {"refs/heads/main", "refs/tags/v0.1.0", "refs/tags/v0.1.1"}
    assert fresh.record("0.1.1")["version"] == "0.1.1"
    assert "Nothing to release" in fresh.release()


def test_daemons_do_not_hold_the_pipe_of_a_command(fresh: Clone, first: str) -> None:
    """`./inv … | cat` ends when the command ends, though the daemons that it starts go on."""
    assert fresh.inv("foundation", "stop").returncode == 0
    done = fresh.inv("foundation", "start")  # reads the pipe to its end
    assert done.returncode == 0, done.stdout
    assert "stopped" not in fresh.inv("foundation", "status").stdout


def test_local_folder_deleted_under_running_daemons_is_begun_anew(make_clone: Callable[[str], Clone]) -> None:
    clone = make_clone("deleted")
    clone.release()
    shutil.rmtree(clone.local)
    clone.share()
    said = clone.release()
    assert "Ended a leftover of this clone" in said
    assert "Released config-server 0.1.0" in said
    assert len(containers_of(clone)) == 1, "the app of the first release is gone"


def test_clean_leaves_nothing_of_the_clone_and_all_of_another(
    fresh: Clone, first: str, make_clone: Callable[[str], Clone]
) -> None:
    clone = make_clone("clean")
    assert clone.inv("foundation", "start").returncode == 0
    done = clone.inv("clean")
    assert done.returncode == 0, done.stdout
    assert f"network sidecar-train-{clone.identity}" in done.stdout
    assert not clone.local.exists()
    assert containers_of(clone) == []
    networks = docker.from_env().networks.list(filters={"label": f"train.clone={clone.identity}"})
    assert networks == []
    found = re.search(r"http://(app-using-config-server\.apps\.localhost):(\d+)", first)
    assert found
    ready = fresh.local / "embedded/foundation/ready.json"
    router = json.loads(ready.read_text())["router"]
    assert requests.get(f"{router}/config", headers={"Host": found[1]}, timeout=10).json() == STORY


def containers_of(clone: Clone) -> list[Any]:
    """Return the engine's containers that carry the clone's label."""
    label = f"train.clone={clone.identity}"
    return list(docker.from_env().containers.list(all=True, filters={"label": label}))
