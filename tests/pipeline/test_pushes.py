"""What the pipeline makes of pushes to main, from a world with one release on."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from faults import store
from faults import subject as shared
from tests.fork import FOUNDATION
from tests.pipeline import world as worlds
from tests.pipeline.conftest import FirstRun
from tests.pipeline.subject import MODE
from tests.pipeline.world import PREFIX, World

pytestmark = [pytest.mark.train]
RELEASE = ["candidate succeeded", "accept succeeded", "promote succeeded"]
KILLED = 137
SIDECAR, TRAIN = "sidecar_src/main.go", "releaser/train.py"


def change(world: World, path: str, message: str, **files: str | None) -> str:
    """Push a change of a file that changes no behaviour, and perhaps of other files; return the commit."""
    comment = "// a change\n" if path.endswith(".go") else "# a change\n"
    return world.push(message, {path: world.read(path) + comment, **files})


def test_failing_acceptance_promotes_nothing_and_keeps_its_logs_and_a_change_of_the_train_mends_it(
    released: World,
) -> None:
    before, published = released.refs(), set(released.keys())
    broken = change(released, SIDECAR, "feat: broken", **{MODE: "fail"})
    builds = released.player.play()
    ran = [f"{build.job} {build.status}" for build in builds]
    assert ran == ["self succeeded", "candidate succeeded", "accept failed"], worlds.said(builds)
    refs = released.refs()
    assert refs.pop(f"refs/heads/candidate/{broken[:12]}")
    assert refs == {**before, "refs/heads/main": broken}
    require_logs(released, set(released.keys()) - published, broken)
    fixed = change(released, TRAIN, "fix: the train", **{MODE: None})
    assert released.play()[1:4] == RELEASE
    assert released.record("0.2.1")["source"] == fixed  # 0.2.0 stays that of the broken source


def require_logs(world: World, new: set[str], source: str) -> None:
    """See that a failed acceptance has left its logs, and told of them, but no pass."""
    assert not [key for key in new if f"accept-{FOUNDATION}" in key or key.endswith("release.json")]
    (logs,) = [key for key in new if f"{source[:12]}/failed-{FOUNDATION}-" in key]
    body = world.bucket.client.get_object(Bucket=store.BUCKET, Key=PREFIX + logs)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert "report.json" in archive.getnames()
    (told,) = world.server.told
    assert (told["job"], told["version"], told["source"]) == ("accept", "0.2.0", source)
    assert told["logs"].endswith(logs)


def test_candidate_that_a_newer_push_overtakes_is_not_published_and_the_newer_one_is_next(
    accepted: World, first: FirstRun
) -> None:
    newer = change(accepted, SIDECAR, "fix: the sidecar")
    accepted.player.paused.add("candidate")
    builds = accepted.player.play()
    assert sorted(f"{build.job} {build.status}" for build in builds) == ["promote failed", "self succeeded"]
    assert f"main has newer changes than {first.source[:12]}" in worlds.said(builds)
    assert f"it releases {newer[:12]} instead" in worlds.said(builds)
    assert set(accepted.refs()) == {"refs/heads/main", f"refs/heads/candidate/{first.source[:12]}"}
    assert accepted.refs()["refs/heads/main"] == newer
    accepted.player.paused.remove("candidate")
    assert accepted.player.due() == ["candidate"]
    assert accepted.player.inputs("candidate")["source"] == {"ref": newer}


@pytest.fixture
def hook(accepted: World) -> Iterator[Path]:
    """A file that is there as soon as the remote has taken a push; the push's answer is long in coming."""
    seen, script = accepted.folder / "pushed", accepted.remote / "hooks" / "post-receive"
    seen.unlink(missing_ok=True)
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\ngrep -q refs/tags || exit 0\ntouch "{seen}"\nsleep 20\n')
    script.chmod(0o755)
    yield seen
    script.unlink(missing_ok=True)


def test_promote_that_was_killed_after_its_push_publishes_the_rest_when_it_is_run_again(
    accepted: World, first: FirstRun, hook: Path
) -> None:
    accepted.player.strike = lambda task: task == "promote" and hook.exists()
    builds = accepted.player.play()
    assert [f"{build.job} {build.status}" for build in builds] == ["promote failed", "self succeeded"]
    assert builds[0].tasks[0].code == KILLED
    commit = accepted.refs()["refs/tags/v0.1.0"]
    assert accepted.refs()["refs/heads/main"] == commit
    assert "0.1.0/release.json" not in accepted.objects()
    (accepted.remote / "hooks" / "post-receive").unlink()
    accepted.player.strike = lambda _task: False
    again = accepted.player.trigger("promote")
    assert again.status == "succeeded", again.output
    record = accepted.record("0.1.0")
    assert (record["source"], record["commit"]) == (first.source, commit)
    assert accepted.play() == []


def test_stack_is_added_by_sidecar_yml_alone(released: World) -> None:
    settings = yaml.safe_load(released.read("sidecar.yml"))
    settings["stacks"].append("cflinuxfs5")
    released.push("feat: another stack", {"sidecar.yml": yaml.safe_dump(settings, sort_keys=False)})
    builds = released.player.play()
    ran = [f"{build.job} {build.status}" for build in builds]
    assert ran[:4] == ["self succeeded", *RELEASE], worlds.said(builds)
    accept = next(build for build in builds if build.job == "accept")
    assert [task.name for task in accept.tasks] == ["accept", "accept"]
    assert f"3 tests on {FOUNDATION} (cflinuxfs4: stand-in)" in accept.tasks[0].said
    assert f"6 tests on {FOUNDATION} (cflinuxfs4: stand-in, cflinuxfs5: stand-in)" in accept.tasks[1].said
    record = released.record("0.2.0")
    assert sorted({row["stack"] for row in record["zips"]}) == ["cflinuxfs4", "cflinuxfs5"]
    assert shared.git(released.remote, "rev-parse", "main") == record["commit"]
