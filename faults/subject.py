"""The subject of a run: a lean copy of this checkout that releases to the harness's world.

Left out is what a release does not use; its acceptance suite is the one of faults/acceptance.
"""

import compileall
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults.store import BUCKET

CHECKOUT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("bench/", "docs/", "faults/", "fixtures/", "foundation/", "tests/")
SHARED = ("cache", "uv")
ENVIRONMENT = "faults"
EPOCH = 1_767_225_600
# The changes that somebody pushes: one is worth a release, the other is not.
CHANGE, NOTE = "sidecar_src/main.go", "docs/note.md"


def git(folder: Path, *args: str, epoch: int = EPOCH) -> str:
    """Run git without any of this machine's settings and return what it prints."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{what}": "dev" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        **{f"GIT_{role}_DATE": f"@{epoch} +0000" for role in ("AUTHOR", "COMMITTER")},
    }
    argv = ["git", "-c", "advice.detachedHead=false", "-c", "gc.auto=0", *args]
    done = subprocess.run(argv, cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout.strip("\n")


def make(root: Path, checkout: Path, *, endpoint: str, remote: str) -> None:
    """Write the subject's files and commit them; URLs are those of the world that it releases to."""
    for name in _listed(checkout):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / name, path, follow_symlinks=False)
    shutil.copytree(
        CHECKOUT / "faults/acceptance",
        root / "tests/acceptance",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    settings = root / "sidecar.yml"
    settings.write_text(_settings(settings.read_text(encoding="utf-8"), endpoint, remote), encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main", "--template=")
    commit(root, "feat: everything", EPOCH)
    _share(root / ".local")
    # Else every run would compile all modules anew.
    compileall.compile_dir(root, quiet=1)


def _listed(checkout: Path) -> list[str]:
    argv = ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = [name for name in listed if name and not name.startswith(LEFT_OUT)]
    return [name for name in wanted if (checkout / name).is_file()]


def _settings(text: str, endpoint: str, remote: str) -> str:
    import yaml

    settings: dict[str, Any] = yaml.safe_load(text)
    layer: Mapping[str, Any] = {
        "s3": {"endpoint": endpoint, "bucket": BUCKET, "public_url": f"{endpoint}/{BUCKET}"},
        "git": {"remote": remote},
        "foundation": {
            "name": ENVIRONMENT,
            "api": "http://127.0.0.1:9",
            "organization": "somebody",
            "space": "elsewhere",
        },
        "acceptance": {"stand_in": True},
    }
    return str(yaml.safe_dump({**settings, "environments": {ENVIRONMENT: layer}}, sort_keys=False))


def protect(root: Path) -> None:
    """Commit that main only moves by merge requests."""
    import yaml

    path = root / "sidecar.yml"
    settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["environments"][ENVIRONMENT]["git"]["main"] = "merge-request"
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    commit(root, "fix: main is protected", EPOCH)


def merge(remote: Path, scratch: Path, branch: str, manner: str) -> None:
    """Let somebody merge a branch into main: by a merge commit, or squashed where main has not moved.

    One that conflicts is left to the train, which prepares the merge when it is run again.
    """
    with _work_tree(remote, scratch):
        if git(scratch, "show", "-s", "--format=%P", branch) != git(scratch, "rev-parse", "HEAD"):
            manner = "merge"  # what exit code 11 tells them
        try:
            git(scratch, "merge", "--quiet", "--squash" if manner == "squash" else "--no-ff", branch)
        except subprocess.CalledProcessError:
            return
        if manner == "squash":
            git(scratch, "commit", "--quiet", "-m", f"Merge request for {branch}")
        git(remote, "update-ref", "refs/heads/main", git(scratch, "rev-parse", "HEAD"))


@contextmanager
def _work_tree(remote: Path, scratch: Path) -> Iterator[None]:
    shutil.rmtree(scratch, ignore_errors=True)
    git(remote, "worktree", "prune")
    git(remote, "worktree", "add", "--quiet", "--detach", str(scratch), "main")
    try:
        yield
    finally:
        git(remote, "worktree", "remove", "--force", str(scratch))


def _share(local: Path) -> None:
    """Begin `.local/` with what only saves time; the environment with the lock file that it has now.

    A lock file that changes in the checkout while we run makes no clone change the environment back.
    """
    (local / "env").mkdir(parents=True)
    for name in SHARED:
        (CHECKOUT / ".local" / name).mkdir(parents=True, exist_ok=True)
        (local / name).symlink_to(CHECKOUT / ".local" / name)
    for part in (CHECKOUT / ".local/env").iterdir():
        if part.name != "requirements.lock":
            (local / "env" / part.name).symlink_to(part)
    shutil.copy2(local.parent / "requirements.lock", local / "env/requirements.lock")


def commit(folder: Path, message: str, epoch: int) -> str:
    """Commit all that lies in a checkout, at a date, and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message, epoch=epoch)
    return git(folder, "rev-parse", "HEAD")


def push(remote: Path, scratch: Path, path: str, number: int) -> str:
    """Let somebody push a change of one file to main, and return the commit; each number another one."""
    with _work_tree(remote, scratch):
        place = scratch / path
        place.parent.mkdir(exist_ok=True)
        with place.open("a", encoding="utf-8") as file:
            file.write(f"// {number}\n")
        kind = "fix" if path == CHANGE else "docs"
        made = commit(scratch, f"{kind}: change {number}", EPOCH + 60 * number)
        git(remote, "update-ref", "refs/heads/main", made)
    return made
