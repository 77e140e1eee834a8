"""What a release makes public: every object with its public name, in the order in which they are put."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaser import record
from releaser.candidate import Ready
from releaser.model import Release, encode


@dataclass(frozen=True, kw_only=True)
class Object:
    """A public object: sha256, bytes, content type; it comes from a key of the candidate or is said here."""

    key: str
    digest: str
    size: int
    kind: str
    origin: str | None = None
    content: bytes | None = None


def objects(release: Release, ready: Ready, passed: Mapping[str, Any]) -> list[Object]:
    """Return the public objects, the record last: where it is, all of them are."""
    said = {
        "SHA256SUMS": (record.checksums(release, ready), "text/plain"),
        "release.json": (encode(record.build(release, ready, passed)), "application/json"),
    }
    return [*_zips(release, ready), *(_said(release, name, *what) for name, what in said.items())]


def _zips(release: Release, ready: Ready) -> list[Object]:
    return [
        Object(
            key=f"{release.public_prefix}/{one.name}",
            digest=one.digest,
            size=one.size,
            kind="application/zip",
            origin=f"{release.candidate_prefix}/{one.name}",
        )
        for one in ready.zips
    ]


def _said(release: Release, name: str, content: bytes, kind: str) -> Object:
    digest = hashlib.sha256(content).hexdigest()
    return Object(
        key=f"{release.public_prefix}/{name}", digest=digest, size=len(content), kind=kind, content=content
    )
