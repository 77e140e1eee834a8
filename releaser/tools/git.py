"""The train's own clone of the remote: reads history, makes commits without a work tree, pushes.

The user's signing, hooks and line-ending rules are switched off, so that the same release gives the same
bytes and the same commit id everywhere; credential helpers and `url.*.insteadOf` stay.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import GitError, SourceError
from releaser.tools import shell

ZERO = "0" * 40
PLAIN = (
    *("-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false", "-c", "push.gpgSign=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null"),
    *("-c", "core.eol=lf", "-c", "i18n.commitEncoding=utf-8", "-c", "log.showSignature=false"),
    *("-c", "gc.auto=0", "-c", "advice.detachedHead=false", "-c", "push.followTags=false"),
)
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a commit is by and when: `epoch` is in seconds, the zone is always UTC."""

    name: str
    email: str
    epoch: int

    def environment(self) -> dict[str, str]:
        """Return git's variables for author and committer."""
        return {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", self.name), ("EMAIL", self.email), ("DATE", f"@{self.epoch} +0000"))
        }


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A git directory and the remote that it follows; refs of the remote lie under refs/remotes/train/."""

    directory: Path
    remote: str

    def git(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
    ) -> str:
        """Run git in this repository and return its output; raises GitError with git's own words."""
        argv = ["git", f"--git-dir={self.directory}", *PLAIN, *args]
        done = shell.run(argv, env={**ENVIRONMENT, **(env or {})}, stdin=stdin, error=GitError, ok=ok)
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def fetch(self) -> None:
        """Bring every branch and tag of the remote here, and forget those that are gone there."""
        if not (self.directory / "HEAD").exists():
            shell.run(["git", *PLAIN, "init", "--quiet", "--bare", str(self.directory)], env=ENVIRONMENT)
        refspecs = ("+refs/heads/*:refs/remotes/train/*", "+refs/tags/*:refs/tags/*")
        options = ("--quiet", "--prune", "--no-tags", "--no-auto-gc", "--update-shallow")
        self.git("fetch", *options, self.remote, *refspecs)
        if self.git("rev-parse", "--is-shallow-repository") == "true":
            shell.run(["rm", "-rf", self.directory])  # it would stay shallow for ever
            raise SourceError(
                "the remote is a shallow clone", "Versions need the whole history: use a full clone."
            )

    def borrow(self, checkout: Path) -> None:
        """Bring the objects of another repository's HEAD here, under no name."""
        self.git(
            "fetch", "--quiet", "--no-tags", "--no-auto-gc", "--no-write-fetch-head", str(checkout), "HEAD"
        )

    def branch(self, name: str) -> str | None:
        """Return the commit of a remote branch as last fetched, or None."""
        return self.resolve(f"refs/remotes/train/{name}")

    def branches(self, prefix: str) -> dict[str, str]:
        """Return the remote branches below a prefix: name to commit."""
        return self._refs(f"refs/remotes/train/{prefix}", "refs/remotes/train/")

    def tags(self) -> dict[str, str]:
        """Return every tag's name and commit."""
        return self._refs("refs/tags", "refs/tags/")

    def _refs(self, below: str, cut: str) -> dict[str, str]:
        lines = self.git(
            "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", below
        ).splitlines()
        rows = (line.split(" ") for line in lines)
        return {name.removeprefix(cut): peeled or plain for name, plain, peeled in rows}

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

    def tree(self, revision: str) -> str:
        """Return the id of a commit's tree."""
        return self.git("rev-parse", f"{revision}^{{tree}}")

    def releases(self, commits: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return, for those of the commits that name a release, its `NAME VERSION` and its source commit."""
        if not commits:
            return {}
        values = (
            "%(trailers:key=Release,valueonly,unfold,separator=%x2C)",
            "%(trailers:key=Source,valueonly,unfold,separator=%x2C)",
        )
        text = "\n".join(commits) + "\n"
        lines = self.git(
            "log",
            "--no-walk=unsorted",
            "--stdin",
            f"--format=%H%x00{'%x00'.join(values)}",
            stdin=text.encode(),
        )
        rows = (line.split("\0") for line in lines.splitlines())
        return {commit: (release, source) for commit, release, source in rows if release and source}

    def read(self, revision: str, path: str) -> bytes | None:
        """Return a file's bytes at a revision, or None where it is not there."""
        blob = self.git("rev-parse", "--verify", "--quiet", f"{revision}:{path}", ok=(0, 1))
        if not blob:
            return None
        argv = ["git", f"--git-dir={self.directory}", "cat-file", "blob", blob]
        return shell.run(argv, env=ENVIRONMENT, error=GitError).stdout

    def write_tree(self, base: str, files: Mapping[str, bytes | None]) -> str:
        """Return the tree that is `base` with some files replaced (None: removed)."""
        with tempfile.TemporaryDirectory(dir=self.directory) as scratch:
            index = {"GIT_INDEX_FILE": os.fspath(Path(scratch) / "index")}
            self.git("read-tree", base, env=index)
            blobs = self._blobs(Path(scratch), [content for content in files.values() if content is not None])
            rows = [
                f"0 {ZERO}\t{path}" if content is None else f"100644 {blobs[content]}\t{path}"
                for path, content in files.items()
            ]
            self.git(
                "update-index", "--index-info", env=index, stdin="".join(f"{row}\n" for row in rows).encode()
            )
            return self.git("write-tree", env=index)

    def _blobs(self, scratch: Path, contents: Sequence[bytes]) -> dict[bytes, str]:
        """Write contents as blobs, with one call of git for all, and return their ids."""
        for number, content in enumerate(contents):
            (scratch / str(number)).write_bytes(content)
        names = "".join(f"{(scratch / str(number)).resolve()}\n" for number in range(len(contents)))
        ids = self.git(
            "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names.encode()
        ).splitlines()
        return dict(zip(contents, ids, strict=True))

    def commit(self, tree: str, parents: Sequence[str], message: str, by: Identity) -> str:
        """Make a commit object and return its id; the same arguments give the same id."""
        argv = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *argv, stdin=message.encode(), env=by.environment())

    def export(self, revision: str, into: Path) -> None:
        """Write a revision's files to a new folder, whole or not at all."""
        scratch = into.with_name(into.name + ".new")
        shell.run(["rm", "-rf", scratch, into])
        scratch.mkdir(parents=True)
        index = scratch.with_suffix(".index")
        index.unlink(missing_ok=True)
        places = {"GIT_INDEX_FILE": os.fspath(index), "GIT_WORK_TREE": os.fspath(scratch)}
        self.git("read-tree", revision, env=places)
        self.git("checkout-index", "--all", "--force", env=places)
        index.unlink()
        scratch.rename(into)

    def push(self, *refspecs: str, expect: Mapping[str, str] | None = None) -> None:
        """Push refspecs in one atomic transaction.

        `expect` maps full ref names to what they must be on the remote now (empty: must not exist); a ref
        that is something else fails the whole push with GitError.
        """
        leases = [f"--force-with-lease={ref}:{commit}" for ref, commit in (expect or {}).items()]
        self.git("push", "--quiet", "--atomic", "--no-verify", *leases, self.remote, *refspecs)
