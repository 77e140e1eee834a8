"""Finds the source commit: what of the checkout or of main is to be released."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import SourceError
from releaser.model import BUILDPACK, CHANGELOG, CONFIGURATION, PINS, World
from releaser.tools import history, shell
from releaser.tools.git import Identity, Repository

INCOMING = "incoming"


@dataclass(frozen=True)
class Checkout:
    """The user's checkout: the commit it is at, and what of it is not committed."""

    root: Path
    head: str
    dirty: Sequence[str]


def checkout(root: Path) -> Checkout:
    """Look at the user's checkout; raises SourceError where it is none, empty or shallow."""
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise SourceError("this checkout is a shallow clone", "Get the whole history: git fetch --unshallow")
    if not _git(root, "rev-list", "--all", "--max-count=1"):
        raise SourceError("this checkout has no commit yet", "Commit what is to be released.")
    status = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
    dirty = [entry[3:] for entry in status.split("\0") if entry]
    return Checkout(root, _git(root, "rev-parse", "HEAD"), dirty)


def _git(root: Path, *args: str) -> str:
    done = shell.run(
        ["git", "-C", root, *history.PLAIN, *args],
        env=history.ENVIRONMENT,
        error=SourceError,
        remedy="Run from a git checkout of the buildpack's repository.",
    )
    return done.stdout.decode("utf-8", "replace").strip("\n")


def hand_in(here: Checkout, repository: Repository) -> None:
    """Push the checkout's HEAD to the branch `incoming`: how the embedded environment gets new commits."""
    _git(here.root, "push", "--quiet", "--no-verify", repository.remote, f"+HEAD:refs/heads/{INCOMING}")


def pin_paths() -> list[str]:
    """Return the paths of all generated files in the repository."""
    return [*(f"{BUILDPACK}/{name}" for name in PINS), CHANGELOG]


def find(world: World, head: str | None) -> str:
    """Return the source commit: the newest first-parent commit that touches anything outside the excludes.

    `head` is the commit that was handed in, None where only main counts. Main here is as last fetched.
    """
    repository, branch = world.repository, world.config.git.branch
    main = repository.branch(branch)
    line = main if head is None else _line(repository, main, head)
    if line is None:
        raise SourceError(
            f"the remote has no branch '{branch}'", f"Push it: git push {repository.remote} HEAD:{branch}"
        )
    return _newest(world, line)


def find_at(world: World, here: Checkout, revision: str) -> str:
    """Return the source commit of main as it was at one of its commits, though it may have moved on.

    Raises SourceError where the revision is not one of main's.
    """
    repository, branch = world.repository, world.config.git.branch
    commit = _git(here.root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    main = repository.branch(branch)
    if main is None or repository.resolve(commit) is None or not repository.is_ancestor(commit, main):
        raise SourceError(
            f"{revision} of this checkout, {commit[:12]}, is not on the remote's {branch}",
            f"Push it there; where {branch} was rewritten, take a newer commit of it.",
        )
    return _newest(world, commit)


def _newest(world: World, line: str) -> str:
    source = world.repository.newest_change(line, world.config.excludes)
    if source is None:
        raise SourceError("no commit touches anything that is released", "See `excludes` in sidecar.yml.")
    return source


def _line(repository: Repository, main: str | None, head: str) -> str:
    """Return the history to release: HEAD, main where HEAD brings nothing new, or a merge of the two.

    The merge takes HEAD's files and main's pins without a textual merge, so that an amended HEAD works too,
    and HEAD's date, so that doing it again gives the same commit.
    """
    if main is None or repository.is_ancestor(main, head):
        return head
    pins = {path: repository.read(main, path) for path in pin_paths()}
    tree = repository.write_tree(head, pins)
    if tree == repository.tree(main):
        return main
    message = f"Merge {head[:12]}\n\nIts files, with the pins of {main[:12]}.\n"
    by = Identity(name="Release Train", email="release-train@localhost", epoch=repository.epoch(head))
    return repository.commit(tree, [main, head], message, by)


def require_same_configuration(world: World, here: Checkout, source: str) -> None:
    """Refuse to release with another sidecar.yml than the source commit's."""
    released = world.repository.read(source, CONFIGURATION)
    if released != (here.root / CONFIGURATION).read_bytes():
        raise SourceError(
            f"{CONFIGURATION} here differs from the one in the source commit {source[:12]}",
            "Commit or undo the change; with --env, push or pull until the checkout is at that commit.",
        )
