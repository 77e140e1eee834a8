"""What a release is: its facts, where its parts lie in the world, and the tools that reach them."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from releaser.config import of_commit
from releaser.errors import ConfigError, SourceError
from releaser.sections import Config, Variant
from releaser.tools.git import Identity, Repository
from releaser.tools.public import Public
from releaser.tools.s3 import Store

BUILDPACK = "buildpack"
PINS = (".downloadurl", ".version", "VERSION", "manifest.yml")
CHANGELOG = "CHANGELOG.md"
CONFIGURATION = "sidecar.yml"
ACCEPTED = "Accepted"  # the trailer of a tag that is on another commit of the accepted one's tree
POSSIBLE = {"name": r"[a-z][a-z0-9-]*", "version": r"\d+\.\d+\.\d+", "source": r"[0-9a-f]{40}"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One version's facts, computed once and written to train.json; every later step takes them from there.

    `source` is the full id of the source commit, `number` counts the first-parent commits up to it, `epoch`
    is its date in seconds: the date of everything that the release makes.
    """

    name: str
    version: str
    source: str
    number: int
    epoch: int

    def to_json(self) -> str:
        """Return the text of train.json."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Facts":
        """Read train.json, or a candidate's ready.json; raises ConfigError where it is neither."""
        try:
            given = json.loads(text)
            found = Facts(**given.get("facts", given))
            found.require_possible()
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"train.json cannot be used: {error}", "Run `./inv plan` to write it anew."
            ) from error
        return found

    def require_possible(self) -> None:
        """Refuse, with ValueError or TypeError, what no source has: facts become names of files and keys."""
        for key, pattern in POSSIBLE.items():
            value = getattr(self, key)
            if not isinstance(value, str) or not re.fullmatch(pattern, value):
                raise ValueError(f"{key} is {value!r}")
        for key in ("number", "epoch"):
            if not isinstance(getattr(self, key), int):
                raise TypeError(f"{key} is {getattr(self, key)!r}")


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach a foundation; `password` never leaves the environment of the acceptance tests."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class World:
    """Where a train runs: configuration, bucket, repository, foundation, and the folders for its files.

    `work` holds what can be made or fetched again, `cache` what Go keeps between builds.
    """

    config: Config
    store: Store
    environment: str
    public: Public
    repository: Repository
    work: Path
    cache: Path
    access: Access | None
    git_url: str | None  # what staging clones; None where the repository cannot be read without credentials

    def prefix(self) -> str:
        """Return the part of the bucket that belongs to this buildpack."""
        return f"{self.config.s3.prefix}/{self.config.name}"


@dataclass(frozen=True)
class Binary:
    """A compiled sidecar: `target` is os/arch."""

    target: str
    path: Path
    digest: str


@dataclass(frozen=True)
class Candidate:
    """A zip under test: the name that the packager gives it, sha256 and bytes."""

    name: str
    stack: str
    variant: Variant
    digest: str
    size: int

    @property
    def cached(self) -> bool:
        """Whether the zip holds the binary."""
        return self.variant == "cached"


@dataclass(frozen=True)
class Release:
    """One version on its way through the seven steps; `stack` is the one to accept, None for all of them."""

    facts: Facts
    world: World = field(repr=False)
    stack: str | None = None

    @property
    def name(self) -> str:
        """The buildpack's name."""
        return self.facts.name

    @property
    def version(self) -> str:
        """The version, without v."""
        return self.facts.version

    @property
    def config(self) -> Config:
        """The configuration that holds for this run."""
        return self.world.config

    @cached_property
    def own_config(self) -> Config:
        """The configuration in the source commit, which decides what had to pass for this release."""
        content = self.world.repository.read(self.facts.source, CONFIGURATION)
        if content is None:
            return self.config
        return of_commit(content, self.facts.source, self.world.environment)

    @property
    def tag(self) -> str:
        """The tag's name."""
        return f"v{self.version}"

    @property
    def short(self) -> str:
        """The twelve digits of the source commit that name branches and folders."""
        return self.facts.source[:12]

    @property
    def branch(self) -> str:
        """The candidate's branch."""
        return f"candidate/{self.short}"

    @property
    def merge_branch(self) -> str:
        """The branch that somebody merges into a protected main."""
        return f"release-train/{self.version}"

    @property
    def branches(self) -> tuple[str, ...]:
        """The branches that are gone once the release is on main."""
        return (self.branch, self.merge_branch)

    @property
    def claim_key(self) -> str:
        """The key that says which source has the version."""
        return f"{self.public_prefix}/source.json"

    @property
    def author(self) -> Identity:
        """The release commit's author, at the source commit's date."""
        author = self.config.git.author
        return Identity(name=author.name, email=author.email, epoch=self.facts.epoch)

    @property
    def message(self) -> str:
        """The release commit's message, with the trailers that name the release."""
        return f"chore: release {self.name} {self.version}\n\n{trailer_lines(trailers(self.facts))}"

    @cached_property
    def folder(self) -> Path:
        """Where this release's files lie; all of them can be made or fetched again.

        The version belongs to the name: a source whose version was taken meanwhile gets another binary.
        """
        return self.world.work / f"{self.version}-{self.short}"

    @property
    def source(self) -> Path:
        """The source commit's files, with the pins of this release once they are bumped."""
        return self.folder / "source"

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the program's main package that the build sets, where it has them."""
        return {
            "version": self.version,
            "name": self.name,
            "portVariable": self.own_config.sidecar.port_variable,
        }

    @property
    def zips(self) -> Path:
        """The candidate's zips."""
        return self.folder / "zips"

    @property
    def candidate_prefix(self) -> str:
        """The bucket's folder for the candidate; the number makes newer ones sort later."""
        return f"{self.world.prefix()}/candidates/{self.facts.number}-{self.short}"

    @property
    def public_prefix(self) -> str:
        """The bucket's folder for the published version."""
        return f"{self.world.prefix()}/{self.version}"

    @property
    def record_key(self) -> str:
        """The key of the record: the last object of a release."""
        return f"{self.public_prefix}/release.json"

    @property
    def ready_key(self) -> str:
        """The key that says that the candidate's zips are all there."""
        return f"{self.candidate_prefix}/ready.json"

    @property
    def acceptance_key(self) -> str:
        """The key of the acceptance report; it is written only for a pass."""
        return f"{self.candidate_prefix}/accept-{self.config.foundation.name}.json"

    def stack_key(self, stack: str) -> str:
        """Return the key of one stack's part of that report, where stacks are accepted one by one."""
        return f"{self.candidate_prefix}/stack-{self.config.foundation.name}-{stack}.json"

    def binary_path(self, target: str) -> Path:
        """Return where the compiled sidecar for a target lies."""
        return self.folder / "bin" / f"{self.name}-{target.replace('/', '-')}"

    def commit(self) -> str | None:
        """Return the release commit, as the candidate's branch or the tag last named it, or None."""
        repository = self.world.repository
        for ref in (repository.branches(self.branch).get(self.branch), repository.tags().get(self.tag)):
            if ref and trailers(self.facts).items() <= ref.trailers.items():
                return ref.trailers.get(ACCEPTED, ref.commit)
        return None

    def binaries(self) -> list[Binary]:
        """Return the compiled sidecar for every target; raises SourceError before `build` has run."""
        paths = {target: self.binary_path(target) for target in self.config.go.targets}
        missing = [path.name for path in paths.values() if not path.exists()]
        if missing:
            raise SourceError(f"{', '.join(missing)} is not compiled yet", "Run ./inv build first.")
        return [Binary(target, path, sha256(path)) for target, path in paths.items()]

    def check_out(self) -> None:
        """Write the source commit's files to the release's own folder, where they are not there yet."""
        if not self.source.exists():
            self.world.repository.export(self.facts.source, self.source)

    def binary_key(self, binary: Binary) -> str:
        """Return the key of a compiled sidecar."""
        return f"{self.public_prefix}/{binary.path.name}-{binary.digest[:12]}"


def sha256(path: Path) -> str:
    """Return a file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trailers(facts: Facts) -> dict[str, str]:
    """Return the trailers by which a commit or tag names a release."""
    return {"Release": f"{facts.name} {facts.version}", "Source": facts.source}


def trailer_lines(given: Mapping[str, str]) -> str:
    """Return trailers as the last paragraph of a message."""
    return "".join(f"{key}: {value}\n" for key, value in given.items())


def encode(value: Mapping[str, Any]) -> bytes:
    """Return a JSON object as bytes that depend on its content alone."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
