"""The train's own clone, with real repositories and a user's settings that must not show."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from releaser.errors import GitError, SourceError
from releaser.tools.git import Identity, Repository
from releaser.tools.history import Ref
from tests.releaser.toy import EPOCH, commit, git

BY = Identity(name="Träin", email="train@example.com", epoch=EPOCH)
HOSTILE = """[user]
    name = someone
[commit]
    gpgSign = true
[push]
    gpgSign = true
[core]
    autocrlf = true
    eol = crlf
    hooksPath = {hooks}
    attributesFile = {attributes}
[i18n]
    commitEncoding = iso-8859-1
[log]
    showSignature = true
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A checkout with one commit, whose bare remote lies beside it."""
    folder = tmp_path / "here"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    commit(folder, "feat: begin", {"a.txt": "one\ntwo\n", "docs/d.md": "d\n", "bin/run": "#!/bin/sh\n"})
    git(
        folder,
        "init",
        "--quiet",
        "--bare",
        "--initial-branch=main",
        "--template=",
        str(tmp_path / "remote.git"),
    )
    push(folder)
    return folder


def commits(refs: Mapping[str, Ref]) -> dict[str, str]:
    return {name: ref.commit for name, ref in refs.items()}


def push(here: Path, refspec: str = "HEAD:refs/heads/main") -> None:
    git(here, "push", "--quiet", "--force", str(here.parent / "remote.git"), refspec)


@pytest.fixture
def repository(here: Path) -> Repository:
    made = Repository(directory=here.parent / "clone.git", remote=str(here.parent / "remote.git"))
    made.fetch()
    return made


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's settings: signing without a key, line endings of Windows, hooks that refuse, Latin-1."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "post-index-change", "post-checkout"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "attributes").write_text("* text eol=crlf\n")
    home = tmp_path / "home"
    home.mkdir()
    text = HOSTILE.format(hooks=hooks, attributes=tmp_path / "attributes")
    (home / ".gitconfig").write_text(text)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "another")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")


def head(repository: Repository) -> str:
    main = repository.branch("main")
    assert main is not None
    return main


def test_settings_of_the_user_change_no_commit_and_no_file(
    repository: Repository, hostile: None, tmp_path: Path
) -> None:
    tree = repository.write_tree(head(repository), {"VERSION": b"1\r\n2\n"})
    made = repository.commit(tree, [head(repository)], "chore: ä\n", BY)
    plain = ("-c", "i18n.commitEncoding=utf-8")
    again = git(
        repository.directory, *plain, "commit-tree", tree, "-p", head(repository), "-m", "chore: ä",
        GIT_AUTHOR_NAME="Träin", GIT_COMMITTER_NAME="Träin",
        GIT_AUTHOR_EMAIL="train@example.com", GIT_COMMITTER_EMAIL="train@example.com",
    )  # fmt: skip
    assert made == again
    assert repository.epoch(made) == EPOCH
    repository.export(made, tmp_path / "out")
    assert (tmp_path / "out/a.txt").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "out/VERSION").read_bytes() == b"1\r\n2\n"
    repository.push(f"{made}:refs/heads/candidate/1")
    repository.fetch()
    assert repository.branch("candidate/1") == made


def test_tree_has_the_files_replaced_added_and_removed(repository: Repository) -> None:
    files = {"a.txt": b"new", "docs/d.md": None, "buildpack/VERSION": b"new", "not/there": None}
    tree = repository.write_tree(head(repository), files)
    assert repository.read(tree, "a.txt") == b"new"
    assert repository.read(tree, "docs/d.md") is None
    assert repository.read(tree, "buildpack/VERSION") == b"new"
    names = git(repository.directory, "ls-tree", "-r", "--name-only", tree).splitlines()
    assert names == ["a.txt", "bin/run", "buildpack/VERSION"]


def test_exported_files_keep_their_modes_and_replace_what_was_there(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/stray").touch()
    repository.export(head(repository), tmp_path / "out")
    assert (tmp_path / "out/bin/run").stat().st_mode & 0o111
    assert not (tmp_path / "out/a.txt").stat().st_mode & 0o111
    found = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == ["a.txt", "d.md", "run"]


@pytest.mark.parametrize("name", ["ünï cödé.txt", 'quo"te', "tab\there", "-rf", "sp ace/ö/x"])
def test_file_with_an_odd_name_is_exported_and_kept_in_trees(
    here: Path, repository: Repository, tmp_path: Path, name: str
) -> None:
    made = commit(here, "odd", {name: "x\n"})
    push(here)
    repository.fetch()
    tree = repository.write_tree(made, {"a.txt": b"new"})
    repository.export(repository.commit(tree, [made], "m", BY), tmp_path / "out")
    assert (tmp_path / "out" / name).read_text() == "x\n"


def test_fetch_forgets_branches_and_tags_that_are_gone(here: Path, repository: Repository) -> None:
    push(here, "HEAD:refs/heads/candidate/1")
    push(here, "HEAD:refs/tags/v1.0.0")
    repository.fetch()
    assert commits(repository.branches("candidate")) == {"candidate/1": head(repository)}
    assert commits(repository.tags()) == {"v1.0.0": head(repository)}
    push(here, ":refs/heads/candidate/1")
    push(here, ":refs/tags/v1.0.0")
    repository.fetch()
    assert (repository.branches("candidate"), repository.tags()) == ({}, {})


def test_annotated_tag_stands_for_its_commit(here: Path, repository: Repository) -> None:
    git(here, "tag", "-a", "-m", "words", "v1.0.0")
    push(here, "refs/tags/v1.0.0")
    repository.fetch()
    assert commits(repository.tags()) == {"v1.0.0": head(repository)}


def test_push_is_all_or_nothing(here: Path, repository: Repository) -> None:
    main = head(repository)
    made = repository.commit(repository.tree(main), [main], "m", BY)
    with pytest.raises(GitError, match="stale info"):
        repository.push(
            f"{made}:refs/heads/main",
            f"{made}:refs/tags/v1.0.0",
            expect={"refs/heads/main": main, "refs/tags/v1.0.0": "ab" * 20},
        )
    repository.fetch()
    assert (repository.branch("main"), repository.tags()) == (main, {})


def test_push_of_a_ref_that_must_not_exist_is_refused_where_it_does(repository: Repository) -> None:
    main = head(repository)
    repository.push(f"{main}:refs/heads/candidate/1", expect={"refs/heads/candidate/1": ""})
    made = repository.commit(repository.tree(main), [main], "m", BY)
    with pytest.raises(GitError, match="stale info"):
        repository.push(f"{made}:refs/heads/candidate/1", expect={"refs/heads/candidate/1": ""})


def test_remote_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"nowhere\.git"):
        Repository(directory=tmp_path / "clone.git", remote=str(tmp_path / "nowhere.git")).fetch()


def test_remote_that_is_a_shallow_clone_is_refused(here: Path, tmp_path: Path) -> None:
    commit(here, "second")
    push(here)
    url = f"file://{here.parent / 'remote.git'}"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", url, "shallow.git")
    with pytest.raises(SourceError, match="shallow clone"):
        Repository(directory=tmp_path / "own.git", remote=str(tmp_path / "shallow.git")).fetch()
    mended = Repository(directory=tmp_path / "own.git", remote=str(here.parent / "remote.git"))
    mended.fetch()
    assert mended.distance(head(mended)) == 2


def test_trailers_of_branches_and_tags_are_read_and_odd_ones_do_no_harm(
    here: Path, repository: Repository
) -> None:
    messages = {
        "v1.0.0": "chore: release\n\nRelease: toy 1.0.0\nSource: abc",
        "v2.0.0": "odd\n\nRelease: toy|1|2\nSource: a\n b|c",
        "v3.0.0": "Release: toy 2.0.0 is not a trailer here",
        "v4.0.0": "twice\n\nSource: abc\nSource: def",
    }
    for tag, message in messages.items():
        commit(here, message)
        push(here, f"HEAD:refs/tags/{tag}")
        push(here, f"HEAD:refs/heads/candidate/{tag}")
    repository.fetch()
    expected = [
        {"Release": "toy 1.0.0", "Source": "abc"},
        {"Release": "toy|1|2", "Source": "a b|c"},
        {},
        {"Source": "abc,def"},
    ]
    assert [ref.trailers for _, ref in sorted(repository.tags().items())] == expected
    assert [ref.trailers for _, ref in sorted(repository.branches("candidate").items())] == expected


def test_annotated_tag_has_its_own_trailers_before_its_commits(here: Path, repository: Repository) -> None:
    made = commit(here, "release\n\nRelease: toy 1.0.0\nSource: abc")
    push(here)
    repository.fetch()
    tag = repository.annotate(made, "v1.0.0", "toy 1.0.0\n\nRelease: toy 1.0.0\nAccepted: def\n", BY)
    assert tag == repository.annotate(made, "v1.0.0", "toy 1.0.0\n\nRelease: toy 1.0.0\nAccepted: def\n", BY)
    repository.push(f"{tag}:refs/tags/v1.0.0")
    git(here, "tag", "-a", "-m", "words", "v2.0.0", made)
    push(here, "refs/tags/v2.0.0")
    repository.fetch()
    own, plain = (repository.tags()[name] for name in ("v1.0.0", "v2.0.0"))
    assert (own.commit, own.trailers) == (made, {"Release": "toy 1.0.0", "Accepted": "def"})
    assert (plain.commit, plain.trailers) == (made, {"Release": "toy 1.0.0", "Source": "abc"})
    assert repository.remote_ref("refs/tags/v1.0.0") == tag


def test_push_to_a_remote_that_hangs_ends(here: Path, repository: Repository) -> None:
    hook = here.parent / "remote.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 3\n")
    hook.chmod(0o755)
    impatient = replace(repository, patience=0.5)
    with pytest.raises(GitError, match=r"did not end within 0 s|did not end within 1 s"):
        impatient.push(f"{head(repository)}:refs/heads/other")


def test_excluded_paths_do_not_count_as_changes(here: Path, repository: Repository) -> None:
    first = git(here, "rev-parse", "HEAD")
    second = commit(here, "docs", {"docs/d.md": "new\n", "README.md": "new\n"})
    push(here)
    repository.fetch()
    assert repository.newest_change(second, ["docs", "*.md"]) == first
    assert repository.newest_change(second, ["docs"]) == second
    assert not repository.changes(first, second, ["docs", "*.md"])
    assert repository.changes(first, second, ["*.txt"])


@pytest.mark.parametrize("left", ["refs/remotes/train/main.lock", "packed-refs.lock"])
def test_lock_that_a_killed_fetch_left_behind_stops_nothing(
    here: Path, repository: Repository, left: str
) -> None:
    second = commit(here, "second")
    push(here)
    push(here, "HEAD:refs/heads/other")
    git(repository.directory, "pack-refs", "--all")
    (repository.directory / left).parent.mkdir(parents=True, exist_ok=True)
    (repository.directory / left).touch()
    push(here, ":refs/heads/other")
    repository.fetch()
    assert repository.branch("main") == second


def test_clone_that_was_killed_while_it_was_made_is_made_anew(here: Path, tmp_path: Path) -> None:
    made = Repository(directory=tmp_path / "half.git", remote=str(here.parent / "remote.git"))
    made.directory.mkdir()
    (made.directory / "HEAD").write_text("ref: refs/heads/main\n")
    made.fetch()
    assert made.branch("main") == git(here, "rev-parse", "HEAD")
