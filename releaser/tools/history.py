"""A git directory's refs and history, as last fetched, and how git is called.

The user's signing, hooks and line-ending rules are switched off, so that the same release gives the same
bytes and the same commit id everywhere; credential helpers and `url.*.insteadOf` stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import GitError
from releaser.tools import credentials, shell

PLAIN = (
    *("-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false", "-c", "push.gpgSign=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null"),
    *("-c", "core.eol=lf", "-c", "i18n.commitEncoding=utf-8", "-c", "log.showSignature=false"),
    *("-c", "gc.auto=0", "-c", "advice.detachedHead=false", "-c", "push.followTags=false"),
    *("-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"),
)
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_SSH_COMMAND": credentials.SSH}
END = "\1\n"  # of a row of for-each-ref: the trailers in it have lines of their own


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A branch or tag: its commit, and the trailers of the commit's message or of an annotated tag's own."""

    commit: str
    trailers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class History:
    """A git directory whose remote's branches lie under refs/remotes/train/."""

    directory: Path

    def git(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
        patience: float | None = None,
    ) -> str:
        """Run git in this repository and return its output; raises GitError with git's own words."""
        argv = ["git", f"--git-dir={self.directory}", *PLAIN, *args]
        given = {**ENVIRONMENT, **(env or {})}
        shown = ["git", *args]
        done = shell.run(argv, env=given, stdin=stdin, error=GitError, ok=ok, patience=patience, shown=shown)
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def branch(self, name: str) -> str | None:
        """Return the commit of a remote branch as last fetched, or None."""
        return self.resolve(f"refs/remotes/train/{name}")

    def remote_ref(self, name: str) -> str | None:
        """Return what a remote ref, by its full name, last pointed at: an annotated tag's own object."""
        here = f"refs/remotes/train/{name.removeprefix('refs/heads/')}" if "/heads/" in name else name
        return self.git("rev-parse", "--verify", "--quiet", here, ok=(0, 1)) or None

    def branches(self, prefix: str) -> dict[str, Ref]:
        """Return the remote branches below a prefix, by name."""
        return self._refs(f"refs/remotes/train/{prefix}", "refs/remotes/train/")

    def tags(self) -> dict[str, Ref]:
        """Return every tag, by name."""
        return self._refs("refs/tags", "refs/tags/")

    def _refs(self, below: str, cut: str) -> dict[str, Ref]:
        fields = ("refname", "objectname", "*objectname", "trailers:only,unfold", "*trailers:only,unfold")
        form = "%00".join(f"%({field})" for field in fields)
        rows = self.git("for-each-ref", f"--format={form}%01", below).split(END)
        cells = (row.removesuffix("\1").split("\0") for row in rows if row)
        return {
            name.removeprefix(cut): Ref(commit=peeled or plain, trailers=_trailers(own or peeled_own))
            for name, plain, peeled, own, peeled_own in cells
        }

    def resolve(self, revision: str) -> str | None:
        """Return the commit id of a revision, or None where there is none."""
        return self.git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", ok=(0, 1)) or None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `older` is reachable from `newer`."""
        argv = ["git", f"--git-dir={self.directory}", "merge-base", "--is-ancestor", older, newer]
        return shell.run(argv, env=ENVIRONMENT, error=GitError, ok=(0, 1)).returncode == 0

    def newest_change(self, revision: str, excludes: Sequence[str]) -> str | None:
        """Return the newest first-parent commit of a revision that changes anything outside the excludes."""
        paths = [".", *(f":(exclude){pattern}" for pattern in excludes)]
        return self.git("rev-list", "-1", "--first-parent", revision, "--", *paths) or None

    def changes(self, older: str, newer: str, excludes: Sequence[str]) -> bool:
        """Return whether two commits differ in anything outside the excludes."""
        paths = [".", *(f":(exclude){pattern}" for pattern in excludes)]
        return bool(self.git("diff-tree", "-r", "--name-only", "--no-renames", older, newer, "--", *paths))

    def distance(self, revision: str) -> int:
        """Return how many first-parent commits lead to a revision, itself counted."""
        return int(self.git("rev-list", "--count", "--first-parent", revision))

    def epoch(self, revision: str) -> int:
        """Return a commit's committer date in seconds."""
        return int(self.git("show", "-s", "--format=%ct", revision))

    def subject(self, revision: str) -> str:
        """Return a commit's short id and the first line of its message."""
        return self.git("show", "-s", "--format=%h %s", revision)

    def tree(self, revision: str) -> str:
        """Return the id of a commit's tree."""
        return self.git("rev-parse", f"{revision}^{{tree}}")

    def since(self, older: str, newer: str) -> dict[str, str]:
        """Return the commits that `newer` has and `older` lacks, newest first, with their trees."""
        lines = self.git("log", "--format=%H %T", f"{older}..{newer}").splitlines()
        return dict(line.split(" ") for line in lines)

    def read(self, revision: str, path: str) -> bytes | None:
        """Return a file's bytes at a revision, or None where it is not there."""
        blob = self.git("rev-parse", "--verify", "--quiet", f"{revision}:{path}", ok=(0, 1))
        if not blob:
            return None
        argv = ["git", f"--git-dir={self.directory}", "cat-file", "blob", blob]
        return shell.run(argv, env=ENVIRONMENT, error=GitError).stdout


def _trailers(text: str) -> Mapping[str, str]:
    """Return a message's trailers; one that is there twice gets both values, and so names nothing."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        found[key] = f"{found[key]},{value}" if key in found else value
    return found
