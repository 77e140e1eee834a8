"""What is under test: the file that --candidate names, and the rows (app, way in, stack) that follow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releaser.tools.public import Public

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, order=True)
class Row:
    """One push: an app, the way the buildpack gets in (uncached, cached, git), and the stack."""

    app: str
    way: str
    stack: str

    def __str__(self) -> str:
        return f"{self.app}/{self.way}/{self.stack}"


@dataclass(frozen=True, kw_only=True)
class Zip:
    """A zip and the digest that it must have; `stack` None means any, `key` is where the bucket has it."""

    stack: str | None
    variant: str
    path: Path
    sha256: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What the buildpack installs: the manifest's name of it, its command, the process types that have it."""

    name: str
    command: str
    process_types: tuple[str, ...]
    port_variable: str
    memory: str | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A release that is not accepted yet; `git` is the buildpack's URL#ref; `keep` are apps that stay up.

    `public` is where anybody reads the bucket. On a foundation that is `shared`, others have things too, and
    other runs may be under way; `time_to_live` is in minutes.
    """

    name: str
    version: str
    foundation: Mapping[str, Any]
    zips: tuple[Zip, ...]
    git: str | None
    apps: tuple[str, ...]
    ways: tuple[str, ...]
    stacks: tuple[str, ...]
    sidecar: Sidecar
    ruby_buildpack: Path
    keep: frozenset[str]
    public: Public
    shared: bool
    time_to_live: int

    @property
    def creates_buildpacks(self) -> bool:
        """Whether the user may install buildpacks; if not, apps are pushed with the zips' URLs."""
        return bool(self.foundation.get("create_buildpacks", True))

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every push that has to succeed."""
        return tuple(
            Row(app=app, way=way, stack=stack)
            for app in self.apps
            for stack in self.stacks
            for way in self.ways
        )

    def kept(self, row: Row) -> bool:
        """Say whether the row's app stays up: the first way on the first stack, for the apps to keep."""
        return row.app in self.keep and (row.way, row.stack) == (self.ways[0], self.stacks[0])

    def zip(self, variant: str, stack: str) -> Zip | None:
        """Return the zip that serves a stack, its own before one for any stack."""
        found = [one for one in self.zips if one.variant == variant and one.stack in (stack, None)]
        return min(found, key=lambda one: one.stack is None, default=None)


def load(path: Path) -> Candidate:
    """Read the file; raises KeyError, ValueError or OSError where it is not one."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    git, sidecar, apps = raw["git"], raw["sidecar"], tuple(raw["apps"])
    return Candidate(
        name=raw["name"],
        version=raw["version"],
        foundation=raw["foundation"],
        zips=tuple(
            Zip(
                stack=one["stack"],
                variant=one["variant"],
                path=Path(one["path"]),
                sha256=one["sha256"],
                key=one["key"],
            )
            for one in raw["zips"]
        ),
        git=f"{git['url']}#{git['ref']}" if git else None,
        apps=apps,
        ways=tuple(raw["ways"]),
        stacks=tuple(raw["stacks"]),
        sidecar=Sidecar(
            name=sidecar.get("name") or raw["name"],
            command=sidecar["command"],
            process_types=tuple(sidecar["process_types"]),
            port_variable=sidecar["port_variable"],
            memory=sidecar.get("memory"),
        ),
        ruby_buildpack=ROOT / raw.get("ruby_buildpack", "fixtures/ruby_buildpack"),
        keep=frozenset(raw["keep"]),
        public=Public(base=raw["public"]["base"], resolve=raw["public"]["resolve"]),
        shared=raw["shared"],
        time_to_live=raw["time_to_live"],
    )
