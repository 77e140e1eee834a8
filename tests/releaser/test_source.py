"""Which commit is to be released: of main, or of a checkout that is handed in."""

from pathlib import Path

import pytest

from releaser import source
from releaser.errors import SourceError
from releaser.model import World
from tests.releaser import toy
from tests.releaser.toy import EPOCH, Stage, commit, git

pytestmark = pytest.mark.slow


@pytest.fixture
def world(stage: Stage) -> World:
    return stage.world


def find(stage: Stage) -> str:
    """Hand the checkout in, as the embedded environment does, and find the source."""
    repository = stage.world.repository
    source.hand_in(source.checkout(stage.here), repository)
    repository.fetch()
    return source.find(stage.world, git(stage.here, "rev-parse", "HEAD"))


def test_newest_commit_that_is_not_excluded_is_the_source(stage: Stage) -> None:
    fix = commit(stage.here, "fix: it", {"sidecar_src/more.go": "package main\n"})
    commit(stage.here, "docs", {"docs/words.md": "w\n", "README.md": "w\n", "tests/releaser/t.py": "\n"})
    commit(stage.here, "pins", {"buildpack/VERSION": "1.0.0\n", "CHANGELOG.md": "\n"})
    assert find(stage) == fix


@pytest.mark.parametrize(
    "path", ["tests/acceptance/t.py", "buildpack/bin/detect", "sidecar.yml", "fixtures/a/x"]
)
def test_commit_that_touches_what_is_released_counts(stage: Stage, path: str) -> None:
    made = commit(stage.here, "chore: it", {path: "new\n"})
    assert find(stage) == made


def test_merged_branch_counts_as_the_merge(stage: Stage) -> None:
    git(stage.here, "checkout", "--quiet", "-b", "side")
    commit(stage.here, "fix: on the side", {"sidecar_src/more.go": "package main\n"})
    git(stage.here, "checkout", "--quiet", "main")
    commit(stage.here, "docs", {"docs/words.md": "w\n"})
    git(stage.here, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    assert find(stage) == git(stage.here, "rev-parse", "HEAD")


def test_only_main_counts_where_nothing_is_handed_in(stage: Stage) -> None:
    main = git(stage.here, "rev-parse", "HEAD")
    commit(stage.here, "fix: not pushed", {"sidecar_src/more.go": "package main\n"})
    stage.world.repository.fetch()
    assert source.find(stage.world, None) == main


def test_amended_head_becomes_a_merge_of_its_files_and_the_pins_of_main(promoted: Stage) -> None:
    released = promoted.refs()["refs/heads/main"]
    git(promoted.here, "commit", "--quiet", "--amend", "-m", "feat: begin, amended", epoch=EPOCH + 5)
    amended = commit(promoted.here, "fix: it", {"sidecar_src/more.go": "package main\n"}, EPOCH + 7)
    found = find(promoted)
    repository = promoted.world.repository
    parents, date = git(repository.directory, "show", "-s", "--format=%P|%ct", found).split("|")
    assert (parents, date) == (f"{released} {amended}", str(EPOCH + 7))
    assert repository.read(found, "buildpack/VERSION") == b"0.1.0\n"
    assert repository.read(found, "sidecar_src/more.go") == b"package main\n"
    assert find(promoted) == found


def test_checkout_with_the_same_files_as_main_brings_nothing_new(promoted: Stage) -> None:
    git(promoted.here, "commit", "--quiet", "--amend", "-m", "feat: begin, reworded")
    assert find(promoted) == promoted.release.facts.source


def test_checkout_with_an_unrelated_history_becomes_a_merge_too(promoted: Stage) -> None:
    git(promoted.here, "checkout", "--quiet", "--orphan", "other")
    made = commit(promoted.here, "feat: begin anew", {"sidecar_src/more.go": "package main\n"})
    found = find(promoted)
    parents = git(promoted.world.repository.directory, "show", "-s", "--format=%P", found)
    assert parents == f"{promoted.refs()['refs/heads/main']} {made}"


def test_remote_without_main_takes_the_checkout_as_it_is(stage: Stage) -> None:
    git(stage.remote, "update-ref", "-d", "refs/heads/main")
    assert find(stage) == git(stage.here, "rev-parse", "HEAD")


def test_remote_without_main_is_an_error_where_nothing_is_handed_in(stage: Stage) -> None:
    git(stage.remote, "update-ref", "-d", "refs/heads/main")
    stage.world.repository.fetch()
    with pytest.raises(SourceError, match="the remote has no branch 'main'"):
        source.find(stage.world, None)


def test_handing_in_moves_no_branch_but_incoming(stage: Stage) -> None:
    before = stage.refs()
    made = commit(stage.here, "fix: it", {"sidecar_src/more.go": "package main\n"})
    find(stage)
    assert stage.refs() == {**before, "refs/heads/incoming": made}


def test_uncommitted_files_are_listed_by_their_names(stage: Stage) -> None:
    toy.write(stage.here, {"README.md": "new\n", "ünï cödé.txt": "x\n", "new/file": "x\n"})
    assert source.checkout(stage.here).dirty == ["README.md", "new/", "ünï cödé.txt"]


def test_clean_checkout_is_clean(stage: Stage) -> None:
    assert source.checkout(stage.here).dirty == []


def test_shallow_checkout_is_refused(stage: Stage, tmp_path: Path) -> None:
    commit(stage.here, "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{stage.here}", "shallow")
    with pytest.raises(SourceError, match="shallow clone") as caught:
        source.checkout(tmp_path / "shallow")
    assert "--unshallow" in caught.value.remedy


def test_checkout_without_commits_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--template=")
    with pytest.raises(SourceError, match="no commit yet"):
        source.checkout(tmp_path)


def test_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a git repository"):
        source.checkout(tmp_path)


def test_history_of_excluded_files_only_has_no_source(stage: Stage, tmp_path: Path) -> None:
    here = toy.checkout(tmp_path / "docs", {"README.md": "w\n"})
    git(here, "checkout", "--quiet", "--orphan", "docs")
    git(here, "rm", "--quiet", "-r", "--force", ".")
    made = commit(here, "docs", {"README.md": "w\n"})
    git(here, "push", "--quiet", "--force", str(stage.remote), "HEAD:refs/heads/main")
    stage.world.repository.fetch()
    with pytest.raises(SourceError, match="no commit touches anything"):
        source.find(stage.world, made)


def test_other_configuration_than_the_sources_is_refused(stage: Stage) -> None:
    checkout = source.checkout(stage.here)
    source.require_same_configuration(stage.world, checkout, checkout.head)
    (stage.here / "sidecar.yml").write_text(toy.settings() + "# changed\n")
    with pytest.raises(SourceError, match=r"sidecar\.yml here differs from the one in the source commit"):
        source.require_same_configuration(stage.world, checkout, checkout.head)


def test_commit_of_main_is_released_from_as_it_was_then(stage: Stage) -> None:
    then = git(stage.here, "rev-parse", "HEAD")
    stage.push_main("docs: words", {"docs/words.md": "w\n"})
    stage.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    stage.world.repository.fetch()
    here = source.checkout(stage.here)
    assert source.find_at(stage.world, here, then) == then
    assert source.find_at(stage.world, here, "HEAD~1") == then
    assert source.find_at(stage.world, here, "HEAD") == source.find(stage.world, None) != then


def test_commit_that_is_not_on_main_is_refused(stage: Stage) -> None:
    stage.world.repository.fetch()
    mine = commit(stage.here, "fix: mine", {"sidecar_src/more.go": "package main\n"})
    with pytest.raises(SourceError, match=f"{mine[:12]}, is not on the remote's main"):
        source.find_at(stage.world, source.checkout(stage.here), "HEAD")
