"""Candidates that were left behind: what is found, what is removed, and what stays whatever its age."""

import json
import re

import pytest

from releaser import pruning, train
from releaser.errors import GitError, SourceError
from releaser.pruning import Leftover
from releaser.sections import Pruning
from tests.releaser.toy import GO, Stage, commit, git

pytestmark = pytest.mark.slow


def newer_source(stage: Stage) -> str:
    """Let main move on to another source, which makes the candidate a leftover."""
    return stage.push_main("fix: newer", {"sidecar_src/more.go": GO})


def found(stage: Stage, days: int = 0) -> list[Leftover]:
    stage.world.repository.fetch()
    return pruning.find(stage.world, days)


def rest(stage: Stage) -> list[str]:
    """Return what lies in the bucket but for the release page."""
    return [key for key in stage.objects() if "/index." not in key]


def test_candidate_that_was_superseded_is_removed_with_all_that_is_its_own(accepted: Stage) -> None:
    newer = newer_source(accepted)
    (one,) = found(accepted)
    assert (one.source, one.version, one.state) == (accepted.release.short, "0.1.0", "accepted")
    assert set(one.keys) == set(rest(accepted))
    pruning.prune(accepted.world, 0)
    assert rest(accepted) == []
    assert accepted.refs() == {"refs/heads/main": newer}


def test_young_candidate_stays(accepted: Stage) -> None:
    newer_source(accepted)
    keys, refs = accepted.objects(), accepted.refs()
    (one,) = pruning.prune(accepted.world, 14)
    assert one.kept == "younger than 14 days"
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_candidate_of_the_newest_source_stays_whatever_its_age(accepted: Stage) -> None:
    keys, refs = accepted.objects(), accepted.refs()
    (one,) = pruning.prune(accepted.world, 0)
    assert one.kept == "the newest source"
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_candidate_that_is_named_is_removed_also_where_it_is_the_newest_source(accepted: Stage) -> None:
    pruning.prune(accepted.world, 14, accepted.release.short)
    assert rest(accepted) == []
    assert set(accepted.refs()) == {"refs/heads/main"}
    accepted.do("upload", "commit", "package", "accept", "promote")
    assert "refs/tags/v0.1.0" in accepted.refs()


def test_candidate_that_a_tag_without_its_record_needs_is_never_removed(promoted: Stage) -> None:
    git(promoted.here, "pull", "--quiet", str(promoted.remote), "main")
    newer_source(promoted)
    promoted.delete(promoted.release.record_key)
    keys = promoted.objects()
    (one,) = pruning.prune(promoted.world, 0)
    assert one.kept == "v0.1.0 lacks its record"
    with pytest.raises(SourceError, match=r"stays: v0\.1\.0 lacks its record"):
        pruning.prune(promoted.world, 0, promoted.release.short)
    assert promoted.objects() == keys
    promoted.do("promote")


@pytest.mark.train
def test_candidates_of_older_releases_are_removed_and_those_of_the_newest_stay(promoted: Stage) -> None:
    commit(promoted.here, "fix: it", {"sidecar_src/more.go": GO})
    train.run(promoted.world, promoted.here, None)
    rows = {one.version: one.kept for one in pruning.prune(promoted.world, 0) if one.state == "released"}
    left = {re.sub(r".*/candidates/(\d+).*", r"\1", key) for key in promoted.objects() if "candidates" in key}
    assert left == {"3"}
    assert "0.1.1 is the newest release" in rows.values()
    assert len([key for key in promoted.objects() if re.search(r"/0\.1\.[01]/.*\.zip", key)]) == 4
    train.run(promoted.world, promoted.here, None)


def test_upload_without_a_commit_is_found_by_its_claim(stage: Stage) -> None:
    stage.do("upload")
    newer_source(stage)
    (one,) = found(stage)
    assert (one.source, one.state) == (stage.release.short, "begun")
    assert one.keys[-1] == stage.release.claim_key  # the claim goes last
    pruning.prune(stage.world, 0)
    assert rest(stage) == []


def test_dry_run_says_what_would_go_and_removes_nothing(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    newer_source(accepted)
    keys, refs = accepted.objects(), accepted.refs()
    pruning.prune(accepted.world, 0, dry=True)
    assert f"would remove {accepted.release.short} 0.1.0: accepted" in capsys.readouterr().out
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_what_says_that_a_candidate_is_whole_goes_first(accepted: Stage) -> None:
    (one,) = found(accepted)
    assert one.keys[0] == accepted.release.ready_key


def test_branch_that_moved_since_it_was_seen_keeps_the_candidate(accepted: Stage) -> None:
    newer = newer_source(accepted)
    (one,) = found(accepted)
    keys = accepted.objects()
    git(accepted.remote, "update-ref", f"refs/heads/{accepted.release.branch}", newer)
    with pytest.raises(GitError):
        pruning._remove(accepted.world, one)
    assert accepted.objects() == keys


def test_source_without_a_candidate_is_refused_with_the_known_ones(accepted: Stage) -> None:
    with pytest.raises(SourceError, match="no candidate of the source 'abc'") as caught:
        pruning.prune(accepted.world, 0, "abc")
    assert accepted.release.short in caught.value.remedy


@pytest.mark.train
def test_release_is_one_also_where_nothing_can_be_removed(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    newer_source(accepted)
    hook = accepted.remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != refs/heads/{accepted.release.branch} ]\n')
    hook.chmod(0o755)
    old = accepted.world.config.model_copy(update={"prune": Pruning(after_days=0)})
    train.run(accepted.changed(config=old).world, accepted.here, None)
    captured = capsys.readouterr()
    assert "what was left behind stays" in captured.err
    assert "Released toy 0.1.1" in captured.out


def test_json_of_a_prune_is_all_that_stands_on_standard_output(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    newer_source(accepted)
    pruning.show(accepted.world, 0, "", dry=True, as_json=True)
    captured = capsys.readouterr()
    (one,) = json.loads(captured.out)
    assert (one["source"], one["state"], one["stays"]) == (accepted.release.short, "accepted", None)
    assert "would remove" in captured.err
