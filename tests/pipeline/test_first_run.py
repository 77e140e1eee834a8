"""The pipeline in an empty world: no object, no image, no tag; and what makes it begin again."""

import copy

import pytest

from faults import subject as shared
from tests.fork import FOUNDATION
from tests.pipeline import world as worlds
from tests.pipeline.conftest import FirstRun
from tests.pipeline.laptop import release
from tests.pipeline.registry import OTHER_TAG
from tests.pipeline.world import World

pytestmark = [pytest.mark.train]
STACK_REPORT = "candidates/1-{}/stack-{}-cflinuxfs4.json"  # where stacks are accepted one by one
RELEASE = ["candidate succeeded", "accept succeeded", "promote succeeded"]


def test_pipeline_waits_for_its_image_and_sets_itself_meanwhile(first: FirstRun) -> None:
    assert first.early == ["self succeeded"]
    assert first.pending["candidate"] == first.pending["check"] == ["image"]


def test_image_of_another_tag_stops_at_once_and_names_both(world: World, first: FirstRun) -> None:
    (build,) = first.mismatched
    assert (build.job, build.status) == ("candidate", "failed")
    assert {ran.name for ran in build.tasks} == {"plan", "failed"}
    first_lines = {ran.said.splitlines()[0] for ran in build.tasks}
    assert first_lines == {
        f"Error: the task image is {OTHER_TAG}, but this checkout needs {world.registry.tag}"
    }
    assert min(ran.seconds for ran in build.tasks) < 10  # most of it is the container; two cores may be busy


def test_first_push_becomes_a_release(first: FirstRun, released: World) -> None:
    ran = [f"{build.job} {build.status}" for build in first.builds]
    assert ran[:3] == RELEASE, worlds.said(list(first.builds))
    commit = released.refs()["refs/heads/main"]
    assert released.refs() == {"refs/heads/main": commit, "refs/tags/v0.1.0": commit}
    assert shared.git(released.remote, "rev-parse", "main^") == first.source
    record = released.record("0.1.0")
    assert (record["source"], record["commit"]) == (first.source, commit)


def test_releases_own_commit_starts_nothing_that_releases(first: FirstRun, released: World) -> None:
    """No loop: only what looks at each commit looks at this one too."""
    assert [build.job for build in first.builds[3:]] == ["self"]
    assert first.builds[3].inputs["commits"] == {"ref": released.refs()["refs/heads/main"]}
    assert released.play() == []


def test_loop_would_be_seen(released: World) -> None:
    """Without what it ignores, the resource would find the release's own commit."""
    looping = copy.deepcopy(released.player.config)
    for one in looping["resources"]:
        one["source"].pop("ignore_paths", None)
    released.player.config = looping
    assert released.player.due() == ["candidate"]


def test_no_build_prints_a_secret(first: FirstRun) -> None:
    said = worlds.said([*first.mismatched, *first.builds])
    secret = {name: value for name, value in worlds.secrets().items() if name != "git_username"}
    lines = {line for value in secret.values() for line in value.splitlines() if "PRIVATE KEY" not in line}
    assert not [line for line in lines if line in said and line not in ("somebody", "faults")]


def test_tasks_of_a_job_run_in_the_order_of_the_train(first: FirstRun) -> None:
    names = [ran.name for build in first.builds for ran in build.tasks]
    verbs = ["plan", "test", "build", "upload", "bump", "commit", "package", "accept", "promote"]
    assert names == [*verbs, "prune"]


def test_push_that_changes_docs_releases_nothing(released: World) -> None:
    before = (released.refs()["refs/tags/v0.1.0"], released.keys())
    released.push("docs: words", {"docs/words.md": "words\n", "README.md": "words\n"})
    released.player.paused.clear()
    assert released.play() == ["self succeeded", "check succeeded"]
    assert (released.refs()["refs/tags/v0.1.0"], released.keys()) == before


def test_new_image_and_jobs_that_are_run_again_change_nothing(released: World) -> None:
    before = (released.refs(), released.objects())
    with released.registry.made_again():
        assert released.play() == ["candidate succeeded"]
        for job in ("accept", "promote"):
            build = released.player.trigger(job)
            assert build.status == "succeeded", build.output
        assert (released.refs(), released.objects()) == before
        assert released.play() == []


def test_release_from_a_laptop_gives_the_same_commit_binary_and_zips(
    released: World, first: FirstRun
) -> None:
    """In a world that is empty again, with the same URLs: all that it publishes has the same bytes."""
    there, objects, refs = released.record("0.1.0"), released.objects(), released.refs()
    done = release(released, first.source)
    assert done.returncode == 0, done.stdout
    assert released.refs() == refs
    here = released.record("0.1.0")
    for key in ("commit", "binaries", "zips"):
        assert here[key] == there[key]
    now = released.objects()
    assert {key for key in objects if now.get(key) != objects[key]} == {
        STACK_REPORT.format(first.source[:12], FOUNDATION)
    }
