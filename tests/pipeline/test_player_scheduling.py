"""Which versions become builds, as Concourse decides it; no job here has a task."""

import pytest

from tests.pipeline.player.errors import RefusedError
from tests.pipeline.small import Small, get

pytestmark = [pytest.mark.slow]


def test_first_check_takes_the_newest_commit_alone(small: Small) -> None:
    small.push({"a": "1"})
    newest = small.push({"a": "2"})
    small.set(job=[get()])
    assert small.only().inputs == {"code": {"ref": newest}}


def test_commits_that_come_together_run_once_with_the_newest(small: Small) -> None:
    small.push({"a": "1"})
    small.set(job=[get()])
    small.player.play()
    small.push({"a": "2"})
    newest = small.push({"a": "3"})
    assert small.only().inputs == {"code": {"ref": newest}}


def test_same_inputs_do_not_run_again_by_themselves(small: Small) -> None:
    small.push({"a": "1"})
    small.set(job=[get()])
    assert small.played() == ["job succeeded"]
    assert small.played() == []
    assert small.player.trigger("job").status == "succeeded"


def test_input_that_does_not_trigger_starts_nothing(small: Small) -> None:
    small.push({"a": "1"})
    small.set(job=[{"get": "code"}])
    assert small.played() == []


def test_passed_waits_for_success_upstream(small: Small) -> None:
    small.push({"a": "1"})
    failing = {"get": "code", "trigger": True}
    small.resources["broken"] = small.git(branch="no-such-branch")
    small.set(
        first=[get()],
        second=[get(passed=["first"])],
        third=[get(passed=["fourth"])],
        fourth=[failing, {"set_pipeline": "self", "file": "code/no", "var_files": ["code/no"]}],
        fifth=[{"get": "broken"}],
    )
    assert small.played() == ["first succeeded", "fourth errored", "second succeeded"]
    assert small.player.waiting() == {"third": ["code"], "fifth": ["broken"]}


def test_inputs_with_passed_come_from_one_build(small: Small) -> None:
    """The newest commit of `other` has passed alone: with it goes the `code` that it passed with."""
    before = small.push({"a": "1"})
    small.resources["docs"] = small.git(ignore_paths=["a"])
    small.set(up=[get(), {"get": "docs"}], down=[get(passed=["up"]), {"get": "docs", "passed": ["up"]}])
    small.player.play()
    both = small.push({"docs": "1"})
    newest = small.push({"a": "2"})
    up, down = small.player.play()
    assert down.inputs == up.inputs == {"code": {"ref": newest}, "docs": {"ref": both}}
    assert before not in str(down.inputs)


def test_version_that_two_jobs_have_to_pass_is_one_that_both_passed(small: Small) -> None:
    first = small.push({"a": "1"})
    small.set(left=[get()], right=[get()], down=[get(passed=["left", "right"])])
    assert small.played() == ["left succeeded", "right succeeded", "down succeeded"]
    small.player.paused.add("right")
    small.push({"a": "2"})
    assert small.played() == ["left succeeded"]
    assert small.player.trigger("down").inputs == {"code": {"ref": first}}


def test_check_that_fails_leaves_builds_pending(small: Small) -> None:
    small.resources["locked"] = small.git(uri=str(small.folder / "nowhere.git"))
    small.push({"a": "1"})
    small.set(job=[get(), {"get": "locked"}])
    assert small.played() == []
    assert small.player.waiting() == {"job": ["locked"]}
    with pytest.raises(RefusedError, match="job stays pending: nothing for locked"):
        small.player.trigger("job")


def test_pipeline_that_sets_itself_counts_from_the_next_builds_on(small: Small) -> None:
    """A job that is triggered by the same commit still runs as it was before."""
    setting = {"set_pipeline": "self", "file": "code/ci.yml", "var_files": ["code/vars.yml"]}
    small.set(itself=[get(), setting], old=[get()])
    new = small.pipeline(itself=[get(), setting], old=[get()], after=[get(passed=["((upstream))"])])
    small.push({"ci.yml": new, "vars.yml": "upstream: old"})
    assert small.played() == ["itself succeeded", "old succeeded", "after succeeded"]
    small.push({"vars.yml": "upstream: nobody"})
    assert small.played() == ["itself failed", "old succeeded", "after succeeded"]


def test_resource_whose_source_changes_begins_anew(small: Small) -> None:
    """Upstream builds count no more then, but a version that a job has had triggers it no more."""
    commit = small.push({"a": "1"})
    small.set(up=[get()], down=[get(passed=["up"])])
    small.player.play()
    small.push({"docs": "1"})
    small.resources["code"] = small.git(ignore_paths=["docs"])
    small.set(up=[get()], down=[get(passed=["up"])])
    assert small.played() == []
    assert small.player.trigger("down").inputs == {"code": {"ref": commit}}
    small.resources["code"] = small.git(ignore_paths=["a"])
    small.set(up=[get()], down=[get(passed=["up"])])
    assert small.player.waiting() == {"up": ["code"], "down": ["code"]}


def test_pipeline_that_never_rests_is_told(small: Small) -> None:
    small.push({"a": "1"})
    small.set(job=[get()])
    builds = map(lambda number, _: small.push({"a": str(number)}), range(99), small.player.builds())
    with pytest.raises(AssertionError, match="it does not come to rest"):
        list(builds)
