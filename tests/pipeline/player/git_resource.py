"""The git resource: lists commits as the real one does, with `git rev-list` in a clone of one branch."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.pipeline.player.errors import RefusedError, ScriptError

SOURCE = frozenset(
    {"uri", "branch", "username", "password", "private_key", "paths", "ignore_paths", "disable_ci_skip"}
)
SKIPS = (r"--grep=\[ci\sskip\]", r"--grep=\[skip\sci\]", "--invert-grep")
HELPER = '!f() { printf "username=%s\\npassword=%s\\n" "$PLAYED_USERNAME" "$PLAYED_PASSWORD"; }; f'
Source = Mapping[str, Any]


def check(source: Source, last: Mapping[str, str] | None, seconds: float) -> list[Mapping[str, str]]:
    """Return the commits from the last one on that touch more than what is ignored, oldest first."""
    with TemporaryDirectory() as folder:
        clone = Path(folder) / "cache"
        _clone(source, clone, "--bare", "--no-tags", seconds=seconds)
        ref = last["ref"] if last and _has(clone, last["ref"]) else None
        argv = ["rev-list", "--all", "--first-parent", *_range(clone, ref), *_paths(source)]
        found = _git(source, *argv, at=clone).split()
        if not source.get("disable_ci_skip"):
            found = (
                _git(source, "rev-list", "--no-walk=unsorted", *SKIPS, *found, at=clone).split()
                if found
                else []
            )
    return [{"ref": one} for one in (reversed(found) if ref else found[:1])]


def _range(clone: Path, ref: str | None) -> Sequence[str]:
    """Return what limits the list to the last version and what came after it; roots have no parent."""
    if ref is None:
        return ()
    roots = _git({}, "rev-list", "--max-parents=0", "HEAD", at=clone).split()
    return ("HEAD",) if ref in roots else (f"{ref}~1..HEAD",)


def _paths(source: Source) -> Sequence[str]:
    """Return the pathspecs; the real resource hands them to a shell, with its globbing switched off."""
    paths, ignored = source.get("paths") or ["."], source.get("ignore_paths") or []
    if paths == ["."] and not ignored:
        return ()
    try:
        return shlex.split(" ".join(["--", *paths, *(f":!{path}" for path in ignored)]))
    except ValueError as error:
        raise ScriptError(f"the shell does not take ignore_paths: {error}") from error


def _has(clone: Path, ref: str) -> bool:
    return (
        subprocess.run(
            ["git", "-C", clone, "cat-file", "-e", ref], check=False, stderr=subprocess.DEVNULL
        ).returncode
        == 0
    )


def get(source: Source, version: Mapping[str, str], params: Source, into: Path, seconds: float) -> None:
    """Clone the branch whole, and check the version out."""
    if params:
        raise RefusedError(f"git: params of get are not played: {', '.join(params)}")
    _clone(source, into, seconds=seconds)
    _git(source, "fetch", "--quiet", "origin", "refs/notes/*:refs/notes/*", at=into)
    _git(source, "checkout", "--force", "--quiet", version["ref"], at=into)
    _git(source, "clean", "--force", "--force", "-d", "--quiet", at=into)


def put(source: Source, params: Source, folder: Path, seconds: float) -> Mapping[str, str]:
    """Refuse: the steps push themselves, at once what belongs together."""
    raise RefusedError("git: put is not played")


def _clone(source: Source, into: Path, *more: str, seconds: float) -> None:
    argv = ["clone", "--quiet", "--single-branch", "--branch", source["branch"], *more]
    _git(source, *argv, source["uri"], str(into), at=into.parent, seconds=seconds)


def _git(source: Source, *args: str, at: Path, seconds: float = 60) -> str:
    if source.get("private_key") is not None:
        raise ScriptError("ssh-add: error in libcrypto" if not source["private_key"] else "ssh is not played")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "PLAYED_USERNAME": source.get("username") or "",
        "PLAYED_PASSWORD": source.get("password") or "",
    }
    helper = (
        ("-c", f"credential.helper={HELPER}") if source.get("username") and source.get("password") else ()
    )
    argv = ["git", *helper, "-c", "advice.detachedHead=false", *args]
    try:
        done = subprocess.run(
            argv, cwd=at, env=env, check=True, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.CalledProcessError as error:
        raise ScriptError(error.stderr.strip()) from error
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    return done.stdout
