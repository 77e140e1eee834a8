"""What the bucket says of each version: its record and, where it was yanked, when and why.

Records are read as their writers of any age left them: what one does not say is empty, and one that cannot be
read at all keeps no other version from the page.
"""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from releaser import version
from releaser.errors import StoreError
from releaser.model import World

READERS = 8  # requests at a time: a bucket answers each in some tens of milliseconds
# Control characters, halves of surrogate pairs, and what turns the direction of the text around it.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(value: Any) -> Any:
    """Return a value, in a text the characters replaced that cannot be shown or would mislead."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(printable)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.+-]*$")]  # of an object; it becomes a part of a link
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of a record, of which more may be said than is read here."""

    model_config = ConfigDict(frozen=True)


class Zip(Part):
    """A published buildpack."""

    name: Name
    stack: Text
    variant: Text
    sha256: Digest
    size: Size


class Binary(Part):
    """A compiled sidecar."""

    target: Text
    key: Text
    sha256: Digest
    size: Size


class Document(Part):
    """A list of what is in a zip or binary."""

    name: Name
    sha256: Digest
    size: Size


class Test(Part):
    """A test of the acceptance, and the rows (app, way, stack) that it stands for."""

    outcome: Text
    rows: tuple[Text, ...] = ()


class Acceptance(Part):
    """What a foundation said of the zips."""

    foundation: Text = ""
    stacks: Mapping[Text, Text] = Field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    final_buildpack: Text | None = None
    proof: Text | None = None


class Record(Part):
    """A version's release.json; `signed_by` is in the record's own words, also where that is null."""

    name: Text
    version: Text
    tag: Text = ""
    date: Text = ""
    source: Text = ""
    commit: Text = ""
    accepted_commit: Text | None = None
    signed_by: Text | None = None
    binaries: tuple[Binary, ...] = ()
    zips: tuple[Zip, ...] = ()
    documents: tuple[Document, ...] = ()
    acceptance: Acceptance = Acceptance()
    tools: Mapping[Text, Annotated[Any, BeforeValidator(printable)]] = Field(default_factory=dict)

    @property
    def has_statement(self) -> bool:
        """Whether it is of those that have a statement of how they were made, signed or not."""
        return "signed_by" in self.model_fields_set


class Yank(Part):
    """A version's yanked.json."""

    reason: Text = ""
    date: Text = ""
    by: Text = ""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A published version; `record` is None where its record cannot be read, `yanked` where it is not."""

    version: str
    record: Record | None
    yanked: Yank | None


def read(world: World) -> list[Version]:
    """Return the published versions, newest first."""
    known = sorted(_known(world), key=version.key, reverse=True)
    with ThreadPoolExecutor(READERS) as pool:
        return [found for found in pool.map(lambda one: _read(world, one), known) if found]


def _known(world: World) -> set[str]:
    """Return the versions that may be published: a listing may lag behind, so that tags count too."""
    below = re.compile(rf"{re.escape(world.prefix())}/({version.SEMVER.pattern})/release\.json")
    listed = (below.fullmatch(row.key) for row in world.store.list(f"{world.prefix()}/"))
    tags = world.repository.tags() if (world.repository.directory / "HEAD").exists() else ()
    tagged = (version.TAG.fullmatch(name) for name in tags)
    return {found[1] for found in (*listed, *tagged) if found}


def _read(world: World, one: str) -> Version | None:
    raw = _content(world, f"{world.prefix()}/{one}/release.json")
    if raw is None:
        return None
    return Version(version=one, record=_record(raw, one), yanked=_yank(world, one))


def _content(world: World, key: str) -> bytes | None:
    """Return an object's bytes, none of them where they are not those that were put."""
    try:
        return world.store.read(key)
    except StoreError:
        world.store.digest_of(key)  # raises again where it is the store that cannot be read
        return b""


def _record(raw: bytes, one: str) -> Record | None:
    try:
        record = Record.model_validate(json.loads(raw))
    except ValueError:  # no JSON, or not of this form
        return None
    return record if record.version == one else None


def _yank(world: World, one: str) -> Yank | None:
    raw = _content(world, f"{world.prefix()}/{one}/yanked.json")
    if raw is None:
        return None
    try:
        return Yank.model_validate(json.loads(raw))
    except ValueError:
        return Yank(reason="(its yanked.json cannot be read)")
