"""A published release under verification: what git and the record say, and its files as anybody gets them."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from releaser import config, version
from releaser.errors import VerifyError
from releaser.model import CONFIGURATION, Release, World
from releaser.sections import Config
from releaser.tools.ed25519 import Public as Key
from releaser.verify import written
from releaser.verify.written import Record

COMMIT = re.compile(r"[0-9a-f]{40}")
RECORD, SUMS, SIGNATURE = "release.json", "SHA256SUMS", "release.json.sig"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The release under a configuration of its own time; `commit` is the one whose files are looked at.

    `digests` are those of the public objects that could be read, by file name; the files lie in `folder`.
    """

    release: Release
    record: Record
    commit: str
    key: Key | None
    folder: Path
    digests: dict[str, str]

    def file(self, name: str) -> Path:
        """Return where a public object was written to; raises VerifyError where it could not be read."""
        if name not in self.digests:
            raise VerifyError(f"{name} could not be read")
        return self.folder / name

    @property
    def statement(self) -> str:
        """The name of the signed statement's file."""
        return f"{self.release.name}_buildpack-{self.release.tag}.intoto.json"


def read_record(world: World, wanted: str, folder: Path) -> tuple[Record, str]:
    """Return a version's record and its digest, read as anybody does; raises StoreError or VerifyError."""
    path = folder / RECORD
    digest = world.public.save(f"{world.prefix()}/{wanted}/{RECORD}", path)
    return written.load(path), digest


@contextmanager
def opened(world: World, wanted: str, key: Key | None) -> Iterator[Subject]:
    """Yield the subject, with nothing but its record read; raises TrainError where there is none."""
    with tempfile.TemporaryDirectory(prefix="verify-") as scratch:
        folder = Path(scratch) / "public"
        record, digest = read_record(world, wanted, folder)
        commit = _commit(world, wanted, record)
        then = _world_of(replace(world, work=Path(scratch)), commit)
        facts = version.facts(then, wanted, _source(world, wanted, record))
        yield Subject(
            release=Release(facts, then),
            record=record,
            commit=commit,
            key=key,
            folder=folder,
            digests={RECORD: digest},
        )


def _commit(world: World, wanted: str, record: Record) -> str:
    """Return the record's commit, or the tag's where there is no such commit."""
    repository = world.repository
    tag = repository.tags().get(f"v{wanted}")
    found = repository.resolve(record.commit) or (tag.commit if tag else None)
    if found is None:
        raise VerifyError(f"there is no tag v{wanted} on the remote, and no commit {record.commit}")
    return found


def _source(world: World, wanted: str, record: Record) -> str:
    """Return the source commit that the tag names, or the record's where it names none that is there."""
    tag = world.repository.tags().get(f"v{wanted}")
    named = (tag.trailers.get("Source", "") if tag else "", record.source)
    found = next((one for one in named if COMMIT.fullmatch(one) and world.repository.resolve(one)), None)
    if found is None:
        raise VerifyError(f"the source commit {record.source} is not in the repository")
    return found


def _world_of(world: World, commit: str) -> World:
    """Return the world with the sidecar.yml of the release's own time, at the places of ours."""
    raw = world.repository.read(commit, CONFIGURATION)
    if raw is None:
        raise VerifyError(f"{commit[:12]} holds no {CONFIGURATION}")
    path = world.work / CONFIGURATION
    path.write_bytes(raw)
    then = config.load(path)
    places: dict[str, Mapping[str, Any]] = {
        name: getattr(world.config, name).model_dump() for name in ("s3", "git", "foundation")
    }
    ways = then.environments.get(world.environment, {}).get("acceptance", {})
    return replace(world, config=_laid_over(then, {**places, "acceptance": ways}))


def _laid_over(then: Config, sections: Mapping[str, Mapping[str, Any]]) -> Config:
    return config.with_sections(then, sections)
