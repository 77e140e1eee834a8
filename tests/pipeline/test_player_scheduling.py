"""Which versions become builds, as Concourse decides it; no job here has a task."""

import pytest

from faults import store
from faults.store import Server
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


def test_ignored_paths_are_no_versions_and_a_root_is_one(small: Small) -> None:
    root = small.push({"a": "1"})
    small.resources["code"] = small.git(ignore_paths=["docs", "*.md", "tests/[!a]*"])
    small.set(job=[get()])
    assert small.only().inputs == {"code": {"ref": root}}
    small.push({"docs/b": "1", "deep/down.md": "1", "tests/unit/c": "1"})
    assert small.played() == []
    newest = small.push({"tests/acceptance/c": "1", "docs/b": "2"})
    assert small.only().inputs == {"code": {"ref": newest}}


def test_only_named_paths_are_versions(small: Small) -> None:
    made = small.push({"image/a": "1", "b": "1"})
    small.push({"b": "2"})
    small.resources["code"] = small.git(paths=["image", "lock"])
    small.set(job=[get()])
    assert small.only().inputs == {"code": {"ref": made}}
    newest = small.push({"lock": "1"})
    assert small.only().inputs == {"code": {"ref": newest}}


@pytest.mark.parametrize(("disabled", "ran"), [(False, []), (True, ["job succeeded"])])
def test_commit_that_skips_ci_counts_where_skipping_is_disabled(
    small: Small, disabled: bool, ran: list[str]
) -> None:
    small.push({"a": "1"})
    small.resources["code"] = small.git(disable_ci_skip=disabled)
    small.set(job=[get()])
    small.player.play()
    small.push({"a": "2"}, "fix: a [ci skip]")
    assert small.played() == ran


def test_version_of_another_branch_of_history_is_none(small: Small) -> None:
    """As first-parent says: what a merge brings is one version, the merge."""
    from faults import subject

    small.push({"a": "1"})
    small.set(job=[get()])
    small.player.play()
    subject.git(small.clone, "checkout", "--quiet", "-b", "side")
    (small.clone / "b").write_text("1")
    subject.commit(small.clone, "aside", subject.EPOCH + 50)
    subject.git(small.clone, "checkout", "--quiet", "main")
    subject.git(small.clone, "merge", "--quiet", "--no-ff", "-m", "merged", "side", epoch=subject.EPOCH + 60)
    subject.git(small.clone, "push", "--quiet", str(small.remote), "main")
    assert small.only().inputs == {"code": {"ref": subject.git(small.clone, "rev-parse", "HEAD")}}


def test_numbers_of_objects_decide_not_their_age_nor_their_text(small: Small, bucket: Server) -> None:
    regexp, first = "order/([0-9]+)-[a-f]+/ready.json", "order/0-a/ready.json"
    small.resources = {"made": small.s3(bucket, regexp=regexp, initial_path=first)}
    small.set(job=[get("made")])
    assert small.only().inputs == {"made": {"path": "order/0-a/ready.json"}}
    for number in (9, 10, 8):
        key = f"order/{number}-abc/ready.json"
        bucket.client.put_object(Bucket=store.BUCKET, Key=key, Body=b"{}")
    assert small.only().inputs == {"made": {"path": "order/10-abc/ready.json"}}
    bucket.client.put_object(Bucket=store.BUCKET, Key="order/9-def/ready.json", Body=b"{}")
    assert small.played() == []


def test_expression_with_a_slash_in_brackets_breaks_the_check(small: Small, bucket: Server) -> None:
    small.resources = {"made": small.s3(bucket, regexp="order/([0-9]+)-[^/]+/ready.json")}
    small.set(job=[get("made")])
    assert small.played() == []
    assert "regexp: ([0-9]+)-[^: unterminated character set" in small.player.silent["made"]


def test_check_that_fails_leaves_builds_pending(small: Small) -> None:
    small.resources["locked"] = small.git(uri=str(small.folder / "nowhere.git"))
    small.push({"a": "1"})
    small.set(job=[get(), {"get": "locked"}])
    assert small.played() == []
    assert small.player.waiting() == {"job": ["locked"]}
    with pytest.raises(RefusedError, match="job stays pending: nothing for locked"):
        small.player.trigger("job")


def test_undefined_credential_fails_the_check(small: Small) -> None:
    small.push({"a": "1"})
    small.resources["code"] = small.git(password="((git_password))")
    small.set(job=[get()])
    assert small.played() == []
    assert small.player.silent == {"code": "undefined vars: git_password"}
    small.player.credentials = {"git_password": "x"}
    assert small.played() == ["job succeeded"]


def test_unused_key_is_null_since_an_empty_one_is_taken_for_a_key(small: Small) -> None:
    small.push({"a": "1"})
    small.resources = {"code": small.git(private_key=""), "null": small.git(private_key=None)}
    small.set(job=[get()], other=[get("null")])
    assert small.played() == ["other succeeded"]


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
