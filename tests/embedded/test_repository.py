"""The embedded git remote: made whole, and free of what a killed push has left."""

import subprocess
from pathlib import Path

from embedded import repository


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def pushed(folder: Path, remote: Path) -> bool:
    """Push a commit to main and say whether it was taken."""
    return (
        subprocess.run(["git", "push", "--quiet", remote, "HEAD:main"], cwd=folder, check=False).returncode
        == 0
    )


def checkout(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(
        folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "one"
    )
    return folder


def test_lock_of_a_killed_push_is_removed(tmp_path: Path) -> None:
    here, remote = checkout(tmp_path / "here"), repository.ensure(tmp_path / "git", "main")
    lock = remote / "refs" / "heads" / "main.lock"
    lock.touch()
    assert not pushed(here, remote)
    assert repository.ensure(tmp_path / "git", "main") == remote
    assert not lock.exists()
    assert pushed(here, remote)


def test_lock_of_a_push_that_goes_on_stays(tmp_path: Path) -> None:
    here, remote = checkout(tmp_path / "here"), repository.ensure(tmp_path / "git", "main")
    reading = subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=remote, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    lock = remote / "packed-refs.lock"
    lock.touch()
    try:
        repository.ensure(tmp_path / "git", "main")
        assert lock.exists()
    finally:
        reading.communicate()
    repository.ensure(tmp_path / "git", "main")
    assert not lock.exists()
    assert pushed(here, remote)


def test_repository_that_was_killed_while_it_was_made_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "git" / "buildpack.new"
    half.mkdir(parents=True)
    (half / "HEAD").write_text("ref: refs/heads/main\n")
    assert pushed(checkout(tmp_path / "here"), repository.ensure(tmp_path / "git", "main"))
