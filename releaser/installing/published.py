"""What the bucket has published: versions, their records, their zips, and which of them were yanked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releaser import report
from releaser.errors import ConfigError, SigningError, StoreError
from releaser.model import Candidate, World, sha256
from releaser.tools import ed25519
from releaser.tools.public import Public
from releaser.tools.s3 import Store
from releaser.version import SEMVER, key

RECORD, YANKED = "release.json", "yanked.json"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A buildpack's part of a bucket."""

    name: str
    store: Store
    public: Public
    prefix: str


@dataclass(frozen=True, kw_only=True)
class Yank:
    """That a version must not be used any more: why, since when, and who said so."""

    version: str
    reason: str
    date: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """A version that is published: its source commit, the record's URL and bytes, and its zips."""

    version: str
    source: str
    record: str
    content: bytes
    zips: tuple[Candidate, ...]
    yank: Yank | None


def place(world: World) -> Place:
    """Return where a world's releases are published."""
    return Place(name=world.config.name, store=world.store, public=world.public, prefix=world.prefix())


def versions(where: Place) -> list[str]:
    """Return every version that has a record, oldest first."""
    start, end = f"{where.prefix}/", f"/{RECORD}"
    keys = [row.key for row in where.store.list(start) if row.key.endswith(end)]
    found = [one.removeprefix(start).removesuffix(end) for one in keys]
    return sorted((one for one in found if SEMVER.fullmatch(one)), key=key)


def find(where: Place, version: str) -> Published | None:
    """Return a published version, or None; raises StoreError where its record is not one."""
    at = f"{where.prefix}/{version}/{RECORD}"
    content = where.store.read(at)
    if content is None:
        return None
    try:
        record = json.loads(content)
        zips = tuple(_zip(row) for row in record["zips"])
        named = (record["name"], record["version"])
        source = str(record["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{at} is not a record: {error}", "Somebody replaced or damaged it.") from error
    if named != (where.name, version):
        raise StoreError(f"{at} is the record of {' '.join(named)}", "Somebody replaced it.")
    url = where.public.url(at)
    return Published(
        version=version, source=source, record=url, content=content, zips=zips, yank=yank_of(where, version)
    )


def _zip(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        name=str(row["name"]),
        stack=str(row["stack"]),
        variant=row["variant"],
        digest=str(row["sha256"]),
        size=int(row["size"]),
    )


def get(where: Place, version: str) -> Published:
    """Return a published version; raises ConfigError, with those that there are."""
    found = find(where, version) if SEMVER.fullmatch(version) else None
    if found is None:
        known = ", ".join(versions(where)) or "none yet"
        raise ConfigError(f"{where.name} {version} is not published", f"Published are: {known}.")
    return found


def newest(where: Place) -> Published:
    """Return the newest version that is not yanked; raises ConfigError where there is none."""
    for version in reversed(versions(where)):
        found = find(where, version)
        if found and not found.yank:
            return found
    raise ConfigError(f"{where.name} has no published version that is not yanked", "Run ./inv release.")


def yank_of(where: Place, version: str) -> Yank | None:
    """Return what yanked.json says of a version, or None where it is not yanked."""
    raw = where.store.read(f"{where.prefix}/{version}/{YANKED}")
    if raw is None:
        return None
    said = json.loads(raw)
    return Yank(**{name: str(said.get(name, "")) for name in ("version", "reason", "date", "by")})


def fetch(where: Place, published: Published, one: Candidate, into: Path) -> Path:
    """Return the local file of a published zip, with exactly the record's digest."""
    path = into / one.name
    if not path.exists() or sha256(path) != one.digest:
        with report.transfer(one.name, one.size) as advance:
            where.store.download(f"{where.prefix}/{published.version}/{one.name}", path, one.digest, advance)
    return path


def require_signed(where: Place, published: Published, pem: bytes, path: str) -> str:
    """Return the key's name where the record is signed by it; raises SigningError, naming the key's path."""
    try:
        public = ed25519.read_public(pem)
    except ed25519.KeyFormatError as error:
        raise SigningError(f"{path} {error}", "It is what signing.public_key names.") from None
    signature = where.store.read(f"{where.prefix}/{published.version}/{RECORD}.sig")
    if signature is None or not public.verifies(signature, published.content):
        how = "is not signed" if signature is None else f"is not signed by the key {public.keyid}"
        raise SigningError(
            f"the record of {where.name} {published.version} {how}",
            f"signing.public_key asks for it ({path}). See `./inv verify {published.version}`.",
        )
    return public.keyid
