"""What a release makes public: every object with its public name, in the order in which they are put."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaser import record
from releaser.candidate import Ready
from releaser.evidence import proof, provenance, sbom
from releaser.evidence.proof import Claims
from releaser.model import Release

RAW = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Object:
    """A public object: sha256, bytes, content type; it comes from a key of the candidate or is said here."""

    key: str
    digest: str
    size: int
    kind: str
    origin: str | None = None
    content: bytes | None = None


def objects(release: Release, ready: Ready, passed: Mapping[str, Any], commit: str) -> list[Object]:
    """Return the public objects, the record last: where it is, all of them are; `commit` has the tag.

    A record that another version of the train wrote is the last word on its release: it is used as it is.
    Raises SigningError where the release cannot be signed, or was begun with another key.
    """
    zips = [_copied(release, one.name, one.digest, one.size, "application/zip") for one in ready.zips]
    there = release.world.store.read(release.record_key)
    if there is not None and record.is_of_another_format(release, ready, there):
        return [*zips, _said(release.record_key, there, "application/json")]
    sums = record.checksums(ready)
    subjects = {**record.digests(ready), record.SUMS: hashlib.sha256(sums).hexdigest()}
    claims = Claims(
        statement=provenance.statement(release, ready, subjects),
        record=lambda keyid: record.build(release, ready, passed, commit, keyid),
    )
    proven = proof.of(release, claims, there)
    signature = [proven.signature] if proven.signature is not None else []
    return [
        *zips,
        *(_copied(release, one["name"], one["sha256"], one["size"], sbom.KIND) for one in ready.documents),
        _said(f"{release.public_prefix}/{record.SUMS}", sums, "text/plain"),
        _said(proof.statement_key(release), proven.envelope, provenance.KIND),
        *(_said(proof.signature_key(release), one, RAW) for one in signature),
        _said(release.record_key, proven.record, "application/json"),
    ]


def seal(made: list[Object]) -> str:
    """Return, for people, who signed the objects."""
    keyid = record.said(made[-1].content or b"").get("signed_by")
    return f"signed by the key {keyid}" if keyid else "unsigned: no signing key is given (docs/evidence.md)"


def _copied(release: Release, name: str, digest: str, size: int, kind: str) -> Object:
    origin, key = f"{release.candidate_prefix}/{name}", f"{release.public_prefix}/{name}"
    return Object(key=key, digest=digest, size=size, kind=kind, origin=origin)


def _said(key: str, content: bytes, kind: str) -> Object:
    digest = hashlib.sha256(content).hexdigest()
    return Object(key=key, digest=digest, size=len(content), kind=kind, content=content)
