"""What the pipeline makes of pushes to main, from a world with one release on."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from faults import store
from faults import subject as shared
from tests.pipeline import world as worlds
from tests.pipeline.subject import MODE
from tests.pipeline.world import PREFIX, World

pytestmark = [pytest.mark.train]
RELEASE = ["candidate succeeded", "accept succeeded", "promote succeeded"]
SIDECAR, TRAIN = "sidecar_src/main.go", "releaser/train.py"


def change(world: World, path: str, message: str, **files: str | None) -> str:
    """Push a change of a file that changes no behaviour, and perhaps of other files; return the commit."""
    comment = "// a change\n" if path.endswith(".go") else "# a change\n"
    return world.push(message, {path: world.read(path) + comment, **files})


def test_failing_acceptance_promotes_nothing_keeps_its_logs_and_the_fix_is_released(released: World) -> None:
    main, published = released.refs()["refs/tags/v0.1.0"], released.keys()
    broken = change(released, SIDECAR, "feat: broken", **{MODE: "fail"})
    builds = released.player.play()
    ran = [f"{build.job} {build.status}" for build in builds]
    assert ran == ["self succeeded", "candidate succeeded", "accept failed"], worlds.said(builds)
    assert released.refs() == {
        "refs/heads/main": broken,
        "refs/tags/v0.1.0": main,
        f"refs/heads/candidate/{broken[:12]}": released.refs()[f"refs/heads/candidate/{broken[:12]}"],
    }
    folder = f"candidates/3-{broken[:12]}/"
    new = set(released.keys()) - set(published)
    assert {key.split("/")[0] for key in new} <= {"candidates", "0.2.0"}
    assert not any(key.endswith("accept-production.json") for key in new)
    (logs,) = [key for key in new if key.startswith(f"{folder}failed-production-")]
    body = released.bucket.client.get_object(Bucket=store.BUCKET, Key=PREFIX + logs)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert "report.json" in archive.getnames()
    (told,) = released.server.told
    assert (told["job"], told["version"], told["source"]) == ("accept", "0.2.0", broken)
    assert told["logs"].endswith(logs)

    fixed = released.push("fix: mended", {MODE: None})
    assert released.play()[1:4] == RELEASE
    record = released.record("0.2.1" if "refs/tags/v0.2.1" in released.refs() else "0.2.0")
    assert record["source"] == fixed


def test_candidate_that_a_newer_push_overtakes_is_not_published_and_the_newer_one_is(released: World) -> None:
    overtaken = change(released, TRAIN, "fix: the train")
    builds = []
    for build in released.player.builds():
        builds.append(build)
        if build.job == "accept" and len(builds) == 3:
            newer = change(released, SIDECAR, "fix: the sidecar")
    ran = [f"{build.job} {build.status}" for build in builds if build.job != "self"]
    assert sorted(ran) == sorted([*RELEASE[:2], "promote failed", *RELEASE]), worlds.said(builds)
    (failed,) = [build for build in builds if build.status == "failed"]
    assert f"main has newer changes than {overtaken[:12]}" in failed.output
    assert f"it releases {newer[:12]} instead" in failed.output
    tags = {ref: commit for ref, commit in released.refs().items() if "tags" in ref and "0.1.0" not in ref}
    (tag,) = tags
    assert released.record(tag.removeprefix("refs/tags/v"))["source"] == newer
    assert overtaken not in tags.values()


@pytest.fixture
def hook(released: World) -> Iterator[Path]:
    """A file that is there as soon as the remote has taken a push; the push's answer is long in coming."""
    seen, script = released.folder / "pushed", released.remote / "hooks" / "post-receive"
    seen.unlink(missing_ok=True)
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\ngrep -q refs/tags || exit 0\ntouch "{seen}"\nsleep 30\n')
    script.chmod(0o755)
    yield seen
    script.unlink(missing_ok=True)


def test_change_of_the_train_is_released_though_promote_was_killed_after_its_push(
    released: World, hook: Path
) -> None:
    source = change(released, TRAIN, "fix: the train")
    released.player.strike = lambda task: task == "promote" and hook.exists()
    builds = released.player.play()
    ran = [f"{build.job} {build.status}" for build in builds]
    assert ran[1:4] == ["candidate succeeded", "accept succeeded", "promote failed"], worlds.said(builds)
    assert builds[3].tasks[0].code == 137
    commit = released.refs()["refs/tags/v0.1.1"]
    assert released.refs()["refs/heads/main"] == commit
    assert "0.1.1/release.json" not in released.objects()
    (released.remote / "hooks" / "post-receive").unlink()
    released.player.strike = lambda _task: False
    again = released.player.trigger("promote")
    assert again.status == "succeeded", again.output
    assert released.record("0.1.1")["source"] == source
    assert released.play() == []


def test_stack_is_added_by_sidecar_yml_alone(released: World) -> None:
    settings = yaml.safe_load(released.read("sidecar.yml"))
    settings["stacks"].append("cflinuxfs5")
    released.push("feat: another stack", {"sidecar.yml": yaml.safe_dump(settings, sort_keys=False)})
    builds = released.player.play()
    ran = [f"{build.job} {build.status}" for build in builds]
    assert ran[:4] == ["self succeeded", *RELEASE], worlds.said(builds)
    accept = next(build for build in builds if build.job == "accept")
    assert [task.name for task in accept.tasks] == ["accept", "accept"]
    assert "3 tests on production (cflinuxfs4: stand-in)" in accept.tasks[0].said
    assert "6 tests on production (cflinuxfs4: stand-in, cflinuxfs5: stand-in)" in accept.tasks[1].said
    record = released.record("0.2.0")
    assert sorted({row["stack"] for row in record["zips"]}) == ["cflinuxfs4", "cflinuxfs5"]
    assert shared.git(released.remote, "rev-parse", "main") == record["commit"]
