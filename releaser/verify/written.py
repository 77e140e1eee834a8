"""The record as anybody can read it, parsed strictly: a field that is missing, unknown or odd is an error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from releaser.errors import VerifyError
from releaser.verify.differences import Entry as Row

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w.+-]*$")]  # of a file, without a folder
Size = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class File(Part):
    """A published file."""

    sha256: Digest
    size: Size
    url: str


class Entry(Part):
    """A file in a zip."""

    path: str
    mode: Annotated[str, Field(pattern=r"^[0-7]{4}$")]
    size: Size
    sha256: Digest


class Zip(File):
    """A published zip."""

    name: Name
    stack: str
    variant: Literal["uncached", "cached"]
    entries: list[Entry]

    def listed(self) -> list[Row]:
        """Return what counts of the entries for sameness."""
        return [(one.path, int(one.mode, 8), one.sha256) for one in self.entries]


class Binary(File):
    """A compiled sidecar."""

    target: Annotated[str, Field(pattern=r"^[a-z0-9]+/[a-z0-9]+$")]
    key: str

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return self.key.rpartition("/")[2]


class Document(File):
    """An SBOM."""

    name: Name


class Record(Part):
    """The whole of release.json."""

    format: Literal[1]
    name: str
    version: str
    tag: str
    source: Commit
    commit: Commit
    accepted_commit: Commit | None = None
    date: str
    go: str
    binaries: list[Binary]
    zips: list[Zip]
    documents: list[Document]
    tools: Mapping[str, str | None]
    acceptance: Mapping[str, Any]
    signed_by: Digest | None

    @property
    def files(self) -> dict[str, Binary | Zip | Document]:
        """Return what the record speaks of, by the name of its file."""
        return {one.name: one for one in self.listed}

    @property
    def listed(self) -> "list[Binary | Zip | Document]":
        """Return what the record speaks of."""
        return [*self.binaries, *self.zips, *self.documents]


def parse(raw: bytes) -> Record:
    """Read release.json; raises VerifyError with everything that is wrong with it."""
    from pydantic import ValidationError

    try:
        return Record.model_validate_json(raw)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors()]
        raise VerifyError(f"release.json cannot be used: {'; '.join(wrong)}") from error


def load(path: Path) -> Record:
    """Read a file that holds a record."""
    return parse(path.read_bytes())
