"""Asks git-cliff for the next version and the changelog, in a scratch repository that shows it what counts.

Measured: git-cliff takes any reachable tag for a version of ours and stamps a pending version with today's
date. So the scratch repository borrows the objects, has HEAD at the source commit, and holds only the tags of
this buildpack's releases; a pending version is a tag there, which gives it the source commit's date.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from releaser.errors import SourceError
from releaser.tools import shell
from releaser.tools.git import Repository

CONFIGURATION = "cliff.toml"


@contextmanager
def _scratch(repository: Repository, source: str, tags: Mapping[str, str]) -> Iterator[Path]:
    """Yield a repository with HEAD at the source commit and nothing but these tags."""
    rules = repository.read(source, CONFIGURATION)
    if rules is None:
        raise SourceError(
            f"{CONFIGURATION} is not in {source[:12]}", "Commit it: it says how versions are made."
        )
    with tempfile.TemporaryDirectory(prefix="release-train-") as folder:
        root = Path(folder)
        bare = Repository(directory=root / "git", remote="")
        shell.run(["git", "init", "--quiet", "--bare", bare.directory], error=SourceError)
        objects = repository.directory / "objects"
        (bare.directory / "objects/info/alternates").write_text(f"{objects.resolve()}\n", encoding="utf-8")
        bare.git("update-ref", "--no-deref", "HEAD", source)
        for name, commit in tags.items():
            bare.git("update-ref", f"refs/tags/{name}", commit)
        (root / CONFIGURATION).write_bytes(rules)
        yield root


def _ask(root: Path, skipped: Sequence[str], *options: str) -> str:
    program = Path(sys.prefix) / "bin" / "git-cliff"
    skips = [part for commit in skipped for part in ("--skip-commit", commit)]
    places: list[str | Path] = ["--config", root / CONFIGURATION, "--repository", root / "git"]
    argv: list[str | Path] = [program, "--offline", *places, *skips, *options]
    env = {"GIT_CONFIG_GLOBAL": "/dev/null", "RUST_LOG": "error"}
    return shell.run(argv, cwd=root, env=env, error=SourceError).stdout.decode()


def next_version(repository: Repository, source: str, tags: Mapping[str, str], skipped: Sequence[str]) -> str:
    """Return the version, without v, that the commits since the newest of the tags ask for.

    `skipped` are commits that do not count. Where nothing asks for a new version, it is the newest tag's.
    """
    with _scratch(repository, source, tags) as root:
        return _ask(root, skipped, "--bumped-version").strip().removeprefix("v")


def changelog(
    repository: Repository, source: str, tags: Mapping[str, str], skipped: Sequence[str], version: str
) -> str:
    """Return the text of CHANGELOG.md up to and with the given version, dated like the source commit."""
    with _scratch(repository, source, {**tags, f"v{version}": source}) as root:
        return _ask(root, skipped).rstrip() + "\n"
