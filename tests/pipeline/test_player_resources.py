"""What is a version of a resource: commits as git-resource lists them, objects by their numbers."""

import pytest

from faults import store, subject
from faults.store import Server
from tests.pipeline.small import Small, get

pytestmark = [pytest.mark.slow]


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
