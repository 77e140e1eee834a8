"""Where main and the tag go: a protected main that people merge into, lost answers, races, refusals."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from releaser import candidate, train, version
from releaser.config import with_sections
from releaser.errors import GitError, NotAcceptedError, OverwriteError, SupersededError, WaitingError
from releaser.model import Release
from releaser.steps import commit as commit_step
from releaser.steps import promote
from tests.releaser.toy import EPOCH, Stage, git

pytestmark = pytest.mark.slow
BRANCH = "release-train/0.1.0"


def accepted_commit(stage: Stage) -> str:
    ready = candidate.ready(stage.release)
    assert ready is not None
    return ready.commit


def record(stage: Stage) -> dict[str, object]:
    raw = stage.store.read(stage.release.record_key)
    assert raw is not None
    return dict(json.loads(raw))


def hook(stage: Stage, name: str, script: str) -> None:
    path = stage.remote / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def protected(accepted: Stage) -> Stage:
    """An accepted release whose main only people may change, through merge requests."""
    hook(accepted, "update", '[ "$1" != refs/heads/main ] || [ -n "$MERGING" ] || { echo GH006; exit 1; }')
    config = with_sections(accepted.world.config, {"git": {"main": "merge-request"}})
    return accepted.changed(config=config)


@pytest.fixture
def waiting(protected: Stage) -> Stage:
    with pytest.raises(WaitingError):
        protected.do("promote")
    return protected


def merge(stage: Stage, act: Callable[[Path], None]) -> str:
    """Let somebody merge the branch into main as `act` does it in a checkout, and return the new main."""
    folder = stage.here.parent / "merging"
    git(stage.here, "clone", "--quiet", str(stage.remote), str(folder))
    act(folder)
    git(folder, "push", "--quiet", "origin", "HEAD:refs/heads/main", MERGING="1")
    return git(folder, "rev-parse", "HEAD")


def by_merge_commit(folder: Path) -> None:
    git(folder, "merge", "--quiet", "--no-ff", "-m", "Merge it", f"origin/{BRANCH}", epoch=EPOCH + 99)


def by_fast_forward(folder: Path) -> None:
    git(folder, "merge", "--quiet", "--ff-only", f"origin/{BRANCH}")


def by_squash(folder: Path) -> None:
    git(folder, "merge", "--quiet", "--squash", f"origin/{BRANCH}")
    git(folder, "commit", "--quiet", "-m", "Release it (#1)", epoch=EPOCH + 99)


def by_rebase(folder: Path) -> None:
    git(folder, "cherry-pick", f"origin/{BRANCH}", epoch=EPOCH + 99)
    git(folder, "commit", "--quiet", "--amend", "--no-edit", "--date=@1700000099 +0000", epoch=EPOCH + 99)


def test_protected_main_gets_a_branch_to_merge_and_nothing_is_public(protected: Stage) -> None:
    keys, refs = protected.objects(), protected.refs()
    with pytest.raises(WaitingError, match=r"waits to be merged: release-train/0\.1\.0 into main") as caught:
        protected.do("promote")
    assert caught.value.exit_code == 11
    assert protected.objects() == keys
    assert protected.refs() == {**refs, f"refs/heads/{BRANCH}": accepted_commit(protected)}


def test_release_that_is_not_merged_yet_waits_on(waiting: Stage) -> None:
    keys, refs = waiting.objects(), waiting.refs()
    with pytest.raises(WaitingError) as caught:
        waiting.do("promote")
    assert "Merge it with a merge commit, squashed or rebased, and run" in caught.value.remedy
    assert (waiting.objects(), waiting.refs()) == (keys, refs)


@pytest.mark.parametrize("act", [by_merge_commit, by_fast_forward])
def test_merged_release_is_tagged_on_the_accepted_commit(waiting: Stage, act: Callable[[Path], None]) -> None:
    main = merge(waiting, act)
    waiting.do("promote")
    commit = accepted_commit(waiting)
    assert waiting.refs() == {"refs/heads/main": main, "refs/tags/v0.1.0": commit}
    assert (record(waiting)["commit"], "accepted_commit" in record(waiting)) == (commit, False)


@pytest.mark.parametrize("act", [by_squash, by_rebase])
def test_squashed_or_rebased_release_of_the_accepted_tree_is_tagged_there_and_both_are_named(
    waiting: Stage, act: Callable[[Path], None], tmp_path: Path
) -> None:
    commit = accepted_commit(waiting)
    main = merge(waiting, act)
    assert main != commit
    waiting.do("promote")
    assert set(waiting.refs()) == {"refs/heads/main", "refs/tags/v0.1.0"}
    assert git(waiting.remote, "rev-parse", "v0.1.0^{commit}") == main
    assert (record(waiting)["commit"], record(waiting)["accepted_commit"]) == (main, commit)
    other = waiting.another(tmp_path / "elsewhere")
    assert promote.find(other.release)
    assert version.of(other.world, waiting.release.facts.source, None) == waiting.release.facts
    assert commit_step.find(waiting.release)


def test_squash_that_is_finished_elsewhere_has_the_same_tag_and_record(
    waiting: Stage, tmp_path: Path
) -> None:
    merge(waiting, by_squash)
    waiting.do("promote")
    refs, objects = waiting.refs(), waiting.objects()
    waiting.delete(waiting.release.record_key)
    other = waiting.another(tmp_path / "elsewhere")
    other.do("promote")
    assert (other.refs(), other.objects()) == (refs, objects)


def test_release_that_was_changed_while_it_was_squashed_is_refused(waiting: Stage) -> None:
    def act(folder: Path) -> None:
        git(folder, "merge", "--quiet", "--squash", f"origin/{BRANCH}")
        (folder / "CHANGELOG.md").write_text("other\n")
        git(folder, "commit", "--quiet", "-am", "Release it, and more")

    merge(waiting, act)
    keys, refs = waiting.objects(), waiting.refs()
    with pytest.raises(NotAcceptedError, match=r"main names 0\.1\.0, but no commit of it has the tree"):
        waiting.do("promote")
    assert (waiting.objects(), waiting.refs()) == (keys, refs)


def test_main_that_moved_by_docs_takes_a_merge_commit_and_no_squash(waiting: Stage) -> None:
    hook(waiting, "update", "exit 0")
    waiting.push_main("docs: words", {"docs/words.md": "w\n"})
    with pytest.raises(WaitingError) as caught:
        waiting.do("promote")
    assert "Merge it with a merge commit, since main has moved" in caught.value.remedy
    main = merge(waiting, by_merge_commit)
    waiting.do("promote")
    assert waiting.refs() == {"refs/heads/main": main, "refs/tags/v0.1.0": accepted_commit(waiting)}


def test_main_that_has_another_releases_pins_by_now_is_merged_without_conflict(waiting: Stage) -> None:
    hook(waiting, "update", "exit 0")
    pins = {"buildpack/VERSION": "0.0.9\n", "buildpack/.downloadurl": "older\n"}
    waiting.push_main("chore: release older", pins)
    with pytest.raises(WaitingError):
        waiting.do("promote")
    main = merge(waiting, by_merge_commit)
    assert git(waiting.remote, "show", "main:buildpack/VERSION") == "0.1.0"
    waiting.do("promote")
    assert waiting.refs() == {"refs/heads/main": main, "refs/tags/v0.1.0": accepted_commit(waiting)}


def test_squash_onto_other_changes_is_refused(waiting: Stage) -> None:
    hook(waiting, "update", "exit 0")
    waiting.push_main("docs: words", {"docs/words.md": "w\n"})
    merge(waiting, by_squash)
    with pytest.raises(NotAcceptedError, match="has the tree of"):
        waiting.do("promote")


def test_waiting_release_is_superseded_by_a_newer_source(waiting: Stage) -> None:
    hook(waiting, "update", "exit 0")
    newer = waiting.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    with pytest.raises(SupersededError, match=r"newer changes than .*: [0-9a-f]+ fix: newer") as caught:
        waiting.do("promote")
    assert newer[:12] in caught.value.remedy


def test_merged_release_is_finished_before_a_newer_source_is_released(
    waiting: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(waiting, by_merge_commit)
    train.finish(waiting.world)
    assert "Finishing toy 0.1.0: it is merged, but not all of it is published" in capsys.readouterr().out
    assert waiting.refs()["refs/tags/v0.1.0"] == accepted_commit(waiting)
    assert waiting.store.head(waiting.release.record_key)


def test_release_that_waits_unmerged_is_not_finished(waiting: Stage) -> None:
    refs = waiting.refs()
    train.finish(waiting.world)
    assert waiting.refs() == refs


def test_newer_release_that_was_made_before_the_tag_of_the_older_is_the_same_afterwards(
    waiting: Stage,
) -> None:
    merge(waiting, by_merge_commit)
    git(waiting.here, "pull", "--quiet", str(waiting.remote), "main")
    hook(waiting, "update", "exit 0")
    source = waiting.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    waiting.world.repository.fetch()
    newer = replace(waiting, release=Release(version.facts(waiting.world, "0.1.1", source), waiting.world))
    newer.upto("accept")
    commit = newer.release.commit()
    waiting.do("promote")
    newer.do("bump", "commit", "package", "accept")
    assert newer.release.commit() == commit


# --- a main that the train pushes


def test_protected_main_is_told_with_the_setting_that_helps(accepted: Stage) -> None:
    hook(
        accepted,
        "update",
        '[ "$1" != refs/heads/main ] || { echo "GH006: Protected branch update failed"; exit 1; }',
    )
    keys, refs = accepted.objects(), accepted.refs()
    with pytest.raises(GitError, match="does not let the train push main") as caught:
        accepted.do("promote")
    assert "git.main: merge-request" in caught.value.remedy
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_main_that_moves_by_docs_during_the_push_is_merged_and_pushed_again(accepted: Stage) -> None:
    """The remote's own hook lets somebody else be faster, once, between our look and our push."""
    docs = accepted.push_main("docs: words", {"docs/words.md": "w\n"})
    git(accepted.remote, "update-ref", "refs/heads/main", accepted.release.facts.source)
    once = accepted.remote / "once"
    move = f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {docs}"
    hook(accepted, "pre-receive", f"[ -e {once} ] || {{ touch {once}; {move}; }}")
    accepted.do("promote")
    assert git(accepted.remote, "show", "-s", "--format=%P", "main") == f"{docs} {accepted_commit(accepted)}"


def test_push_whose_answer_is_lost_has_worked(accepted: Stage) -> None:
    hook(accepted, "post-receive", "kill -9 $PPID")
    accepted.do("promote")
    commit = accepted_commit(accepted)
    assert accepted.refs() == {"refs/heads/main": commit, "refs/tags/v0.1.0": commit}


def test_push_of_the_tag_alone_whose_answer_is_lost_has_worked(waiting: Stage) -> None:
    merge(waiting, by_fast_forward)
    hook(waiting, "post-receive", "kill -9 $PPID")
    waiting.do("promote")
    assert waiting.refs()["refs/tags/v0.1.0"] == accepted_commit(waiting)


def test_push_of_the_candidate_whose_answer_is_lost_has_worked(bumped: Stage) -> None:
    hook(bumped, "post-receive", "kill -9 $PPID")
    bumped.do("commit")
    assert f"refs/heads/{bumped.release.branch}" in bumped.refs()


def test_release_that_another_machine_promotes_at_the_same_instant_is_done(accepted: Stage) -> None:
    """The hook pushes the very same refs before ours are looked at."""
    commit, once = accepted_commit(accepted), accepted.remote / "once"
    acts = (
        f"update-ref refs/heads/main {commit}",
        f"update-ref refs/tags/v0.1.0 {commit}",
        f"update-ref -d refs/heads/{accepted.release.branch}",
    )
    moves = "; ".join(f"env -u GIT_QUARANTINE_PATH git {act}" for act in acts)
    hook(accepted, "pre-receive", f"[ -e {once} ] || {{ touch {once}; {moves}; }}")
    accepted.do("promote")
    assert accepted.refs() == {"refs/heads/main": commit, "refs/tags/v0.1.0": commit}


def test_tag_of_somebody_else_is_refused_with_the_way_out(accepted: Stage) -> None:
    git(accepted.remote, "update-ref", "refs/tags/v0.1.0", accepted.release.facts.source)
    with pytest.raises(OverwriteError, match=r"v0\.1\.0 is on") as caught:
        accepted.do("promote")
    assert f"./inv prune --source {accepted.release.short}" in caught.value.remedy
