"""A small buildpack's repository with a small program, and the worlds that it is released in."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from releaser import config, runner
from releaser.model import Access, Facts, Release, World
from releaser.tools import go
from releaser.tools.git import Repository
from releaser.tools.public import Public
from releaser.tools.s3 import Store
from tests import project

ROOT = project.ROOT
CACHE = ROOT / ".local" / "cache"  # Go's build cache, shared with the project itself
NAME, VERSION, EPOCH = "toy", "0.1.0", 1_700_000_000
PREFIX = "buildpacks"
PASSWORD = "password-of-the-foundation"

PROGRAM = """package main

import (
	"fmt"
	"os"
)

var version = "dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("toy", version)
	}
}
"""
GO = "package main\n"  # another file of it: a change that is worth a release
# An acceptance suite that pushes nothing: it reports what the file `mode` beside it says.
SUITE = """import hashlib, json, os
from pathlib import Path

def pytest_addoption(parser):
    parser.addoption("--candidate")
    parser.addoption("--report")

def pytest_sessionfinish(session):
    order = json.loads(Path(session.config.option.candidate).read_text())
    mode = Path(__file__).with_name("mode").read_text().strip()
    if mode == "crash":
        return
    ways = order["ways"][:-1] if mode == "missing row" else order["ways"]
    rows = [f"{app}/{way}/{stack}" for app in order["apps"] for way in ways for stack in order["stacks"]]
    digests = {Path(one["path"]).name: hashlib.sha256(Path(one["path"]).read_bytes()).hexdigest()
               for one in order["zips"]}
    Path(session.config.option.report).write_text(json.dumps({
        "name": order["name"], "version": order["version"], "foundation": order["foundation"]["name"],
        "user": os.environ["CF_USERNAME"], "git": order["git"], "digests": digests, "urls": {},
        "stacks": {stack: "stand-in" for stack in order["stacks"]},
        "tests": [{"id": row, "outcome": "skipped" if mode == "skip" else "passed", "rows": [row]}
                  for row in rows],
        "passed": mode != "reject",
    }))
"""
FILES: Mapping[str, str] = {
    "README.md": "A toy.\n",
    "sidecar_src/go.mod": "module toy\n\ngo 1.27\n",
    "sidecar_src/main.go": PROGRAM,
    "buildpack/bin/detect": "#!/bin/sh\nexit 1\n",
    "buildpack/bin/supply": "#!/bin/sh\necho supplying\n",
    "tests/acceptance/conftest.py": SUITE,
    "tests/acceptance/test_one.py": "def test_one(): pass\n",
    "tests/acceptance/mode": "pass\n",
}


def git(folder: Path, *args: str, epoch: int = EPOCH, **env: str) -> str:
    """Run git without any of this machine's settings; commits are dated `epoch`."""
    date = f"@{epoch} +0000"
    given = {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{field}": "dev" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")},
        **{f"GIT_{role}_DATE": date for role in ("AUTHOR", "COMMITTER")},
        **env,
    }
    done = subprocess.run(
        ["git", *args], cwd=folder, env=given, check=False, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write files below a folder, those of `bin` executable; None removes one."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
            continue
        path.write_text(content, encoding="utf-8")
        path.chmod(0o755 if path.parent.name == "bin" else 0o644)


def commit(
    folder: Path, message: str, files: Mapping[str, str | None] | None = None, epoch: int = EPOCH
) -> str:
    """Commit files (or nothing) in a checkout and return the commit's id."""
    write(folder, files or {})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message, epoch=epoch)
    return git(folder, "rev-parse", "HEAD")


def checkout(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    """Make a repository with one commit of the files and the project's own rules for versions."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    rules = (ROOT / "cliff.toml").read_text(encoding="utf-8")
    commit(folder, "feat: begin", {**files, "cliff.toml": rules, "sidecar.yml": settings()})
    return folder


def settings() -> str:
    """Return the toy's sidecar.yml: the project's, of another name."""
    return project.text(NAME)


def remote(folder: Path, here: Path) -> Path:
    """Make a bare repository whose main is the checkout's HEAD."""
    git(here, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(folder))
    git(here, "push", "--quiet", str(folder), "HEAD:refs/heads/main")
    return folder


def begin(folder: Path) -> None:
    """Make what every world begins with: a checkout, a remote with its main, and the compiled toy."""
    here = checkout(folder / "here")
    bare = remote(folder / "remote.git", here)
    repository = Repository(directory=folder / "clone.git", remote=str(bare))
    repository.fetch()
    source = git(here, "rev-parse", "HEAD")
    files = folder / "work" / f"{VERSION}-{source[:12]}"
    repository.export(source, files / "source")
    program = go.find(config.load(here / "sidecar.yml").go.version)
    binary = files / "bin" / f"{NAME}-linux-amd64"
    go.build(
        program,
        files / "source/sidecar_src",
        binary,
        target="linux/amd64",
        variables={"version": VERSION},
        cache=CACHE,
    )


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One test's world, and the release that is on its way through it."""

    world: World
    release: Release
    here: Path
    remote: Path

    @property
    def store(self) -> Store:
        return self.world.store

    def do(self, *verbs: str) -> None:
        """Run steps as the train does: look, act, look again."""
        for verb in verbs:
            runner.run(runner.find_step(verb), self.release)

    def upto(self, last: str) -> None:
        """Run every step up to and with the last one."""
        verbs = [runner.verb(step) for step in runner.STEPS]
        self.do(*verbs[: verbs.index(last) + 1])

    def objects(self) -> dict[str, str]:
        """Return every object of this world and the store's own tag of its content."""
        listing = self.store.client.list_objects_v2(Bucket=self.store.bucket, Prefix=f"{PREFIX}/")
        return {one["Key"]: one["ETag"].strip('"') for one in listing.get("Contents", [])}

    def digest(self, key: str) -> str:
        """Return the sha256 that was put with an object."""
        stored = self.store.head(key)
        assert stored is not None
        assert stored.digest is not None
        return stored.digest

    def refs(self) -> dict[str, str]:
        """Return the remote's refs."""
        rows = git(self.remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {row.partition(" ")[0]: row.partition(" ")[2] for row in rows}

    def push_main(self, message: str, files: Mapping[str, str | None], epoch: int = EPOCH + 60) -> str:
        """Let somebody else push a commit to main, and return it."""
        made = commit(self.here, message, files, epoch)
        git(self.here, "push", "--quiet", str(self.remote), "HEAD:refs/heads/main")
        return made

    def overwrite(self, key: str, content: bytes, digest: str) -> None:
        """Put other bytes under a key, as somebody who has the credentials can."""
        self.store.client.put_object(
            Bucket=self.store.bucket, Key=key, Body=content, Metadata={"sha256": digest}
        )

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.store.client.delete_object(Bucket=self.store.bucket, Key=key)

    def set_mode(self, mode: str) -> None:
        """Decide what the release's acceptance suite reports."""
        self.release.check_out()
        (self.release.source / "tests/acceptance/mode").write_text(mode, encoding="utf-8")

    def changed(self, **changes: Any) -> "Stage":
        """Return the same world with other settings."""
        world = replace(self.world, **changes)
        return replace(self, world=world, release=Release(self.release.facts, world))

    def another(self, folder: Path) -> "Stage":
        """Return the same world on another machine, where nothing is there yet."""
        clone = replace(self.world.repository, directory=folder / "clone.git")
        world = replace(self.world, repository=clone, work=folder / "work")
        return replace(self, world=world, release=Release(self.release.facts, world))


def world(folder: Path, store: Store) -> World:
    """Return a world over real things; anybody may read the bucket at the store's own address."""
    layer: dict[str, dict[str, Any]] = {
        "s3": {"endpoint": store.endpoint, "bucket": store.bucket},
        "git": {"remote": str(folder / "remote.git")},
        "foundation": {"name": "embedded", "api": "http://127.0.0.1:1"},
    }
    return World(
        config=config.with_sections(config.load(folder / "here/sidecar.yml"), layer),
        store=store,
        environment="embedded",
        public=Public(base=f"{store.endpoint}/{store.bucket}"),
        repository=Repository(directory=folder / "clone.git", remote=str(folder / "remote.git")),
        work=folder / "work",
        cache=CACHE,
        access=Access(user="admin", password=PASSWORD),
        git_url="git://127.0.0.1:1/toy.git",
    )


def stage(folder: Path, store: Store) -> Stage:
    """Return the world in a folder, with the release of the toy's first source on its way."""
    made, here = world(folder, store), folder / "here"
    source = git(here, "rev-parse", "HEAD")
    facts = Facts(name=NAME, version=VERSION, source=source, number=1, epoch=EPOCH)
    return Stage(world=made, release=Release(facts, made), here=here, remote=folder / "remote.git")
