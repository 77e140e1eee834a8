"""Step 4: the release commit is on the candidate's branch, and main is untouched."""

from dataclasses import replace

import pytest

from releaser import pins
from releaser.errors import GitError
from releaser.model import Release
from releaser.steps import commit
from tests.releaser.toy import Stage, git
from tests.releaser.toy import commit as make_commit

pytestmark = pytest.mark.slow


def test_release_commit_has_the_pins_the_trailers_and_the_dates_of_its_source(bumped: Stage) -> None:
    bumped.do("commit")
    release = bumped.release
    branch = f"refs/heads/candidate/{release.facts.source[:12]}"
    shown = git(bumped.remote, "show", "-s", "--format=%P|%an|%ae|%at|%ct|%B", branch)
    author = release.config.git.author
    parent, name, email, *dates, message = shown.split("|")
    assert parent == release.facts.source
    assert (name, email) == (author.name, author.email)
    assert dates == ["1700000000", "1700000000"]
    trailers = f"Release: toy 0.1.0\nSource: {release.facts.source}"
    assert message == f"chore: release toy 0.1.0\n\n{trailers}"
    changed = git(bumped.remote, "diff", "--name-only", f"{branch}^", branch).splitlines()
    assert set(changed) == set(pins.of(release))


def test_release_commit_leaves_main_where_it_is(bumped: Stage) -> None:
    before = bumped.refs()
    bumped.do("commit")
    assert {name: one for name, one in bumped.refs().items() if "candidate" not in name} == before


def test_commit_done_twice_pushes_nothing(bumped: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    bumped.do("commit")
    before = bumped.refs()
    capsys.readouterr()
    bumped.do("commit")
    assert "already done" in capsys.readouterr().out
    assert bumped.refs() == before


def test_branch_that_was_lost_comes_again_with_the_same_commit(bumped: Stage) -> None:
    bumped.do("commit")
    before = bumped.refs()
    git(bumped.remote, "update-ref", "-d", f"refs/heads/{bumped.release.branch}")
    bumped.do("commit")
    assert bumped.refs() == before


def test_branch_with_a_foreign_commit_is_refused_and_stays(bumped: Stage) -> None:
    foreign = make_commit(bumped.here, "somebody else's")
    git(bumped.here, "push", "--quiet", str(bumped.remote), f"HEAD:refs/heads/{bumped.release.branch}")
    with pytest.raises(GitError, match="stale info"):
        bumped.do("commit")
    assert bumped.refs()[f"refs/heads/{bumped.release.branch}"] == foreign


def test_branch_with_another_commit_of_this_release_is_refused(bumped: Stage) -> None:
    message = bumped.release.message
    foreign = make_commit(bumped.here, message, {"README.md": "Other words.\n"})
    git(bumped.here, "push", "--quiet", str(bumped.remote), f"HEAD:refs/heads/{bumped.release.branch}")
    with pytest.raises(GitError, match=f"holds {foreign[:12]}, not the release commit"):
        bumped.do("commit")


def test_branch_that_names_another_version_is_not_this_release(bumped: Stage) -> None:
    bumped.do("commit")
    other = Release(replace(bumped.release.facts, version="0.2.0"), bumped.world)
    assert other.commit() is None


def test_another_machine_makes_the_same_commit(bumped: Stage) -> None:
    bumped.do("commit")
    other = bumped.another(bumped.here.parent / "elsewhere")
    other.world.repository.fetch()
    other.do("build", "bump")
    found = commit.find(other.release)
    assert found is not None
    assert found.startswith(bumped.refs()[f"refs/heads/{bumped.release.branch}"][:12])
