"""The train's own clone of the remote: fetches, makes commits without a work tree, pushes."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import GitError, SourceError
from releaser.tools import credentials, shell
from releaser.tools.history import ENVIRONMENT, PLAIN, History

ZERO = "0" * 40
# What git says of a clone that a killed run has left half-written or locked.
BROKEN = ("not a git repository", ".lock': File exists", "bad object", "is corrupt", "unable to read tree")
# What the hosts say when a rule of theirs, not a race, keeps a ref from being changed.
PROTECTED = ("protected branch", "hook declined", "GH006", "GH013", "rule violations", "not allowed to push")


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
class Repository(History):
    """A clone and the remote that it follows; `patience` is how many seconds a fetch or push may take."""

    remote: str
    patience: float = 900

    def fetch(self) -> None:
        """Bring every branch and tag of the remote here, and forget those that are gone there."""
        try:
            self._fetch()
        except GitError as error:
            if not any(words in error.message for words in BROKEN):
                raise
            shell.run(["rm", "-rf", self.directory])  # nothing is here that the remote lacks
            self._fetch()

    def _fetch(self) -> None:
        if not (self.directory / "HEAD").exists():
            shell.run(["git", *PLAIN, "init", "--quiet", "--bare", str(self.directory)], env=ENVIRONMENT)
        refspecs = ("+refs/heads/*:refs/remotes/train/*", "+refs/tags/*:refs/tags/*")
        options = ("--quiet", "--prune", "--no-tags", "--no-auto-gc", "--update-shallow")
        self._reach("fetch", *options, self.remote, *refspecs)
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

    def annotate(self, commit: str, tag: str, message: str, by: Identity) -> str:
        """Make an annotated tag's object and return its id; the same arguments give the same id."""
        head = f"object {commit}\ntype commit\ntag {tag}\ntagger {by.name} <{by.email}> {by.epoch} +0000\n"
        return self.git("mktag", stdin=f"{head}\n{message}".encode())

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
        options = ("--quiet", "--atomic", "--no-verify")
        self._reach("push", *options, *leases, self.remote, *refspecs)

    def _reach(self, *args: str) -> None:
        """Run what talks to the remote, with the credentials that are given for it."""
        self.git(*args, env=credentials.environment(self.remote), patience=self.patience)


def is_protected(error: GitError) -> bool:
    """Say whether a rule of the remote's host, and not a race, refused a push."""
    return any(words in error.message for words in PROTECTED)
