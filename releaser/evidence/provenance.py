"""How a release was made: the in-toto statement with SLSA provenance, and the DSSE envelope around it.

Rules from in-toto's Statement v1, SLSA's provenance v1 and DSSE v1: what is signed is the "pre-authentication
encoding" of the payload's type and bytes, so that a signature of one kind is none of another.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaser.candidate import Ready
from releaser.model import Release, encode

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
KIND = "application/vnd.dsse.envelope.v1+json"
BUILDER = "urn:release-train"
BUILD_TYPE = "urn:release-train:sidecar-buildpack:v1"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A DSSE envelope that was opened: its payload, and the signature and who made it, if it is signed."""

    payload: bytes
    keyid: str | None
    signature: bytes


def statement(release: Release, ready: Ready, subjects: Mapping[str, str]) -> bytes:
    """Return the statement; `subjects` are file names and their sha256."""
    facts = release.facts
    return encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": one}} for name, one in sorted(subjects.items())],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {
                        "name": facts.name,
                        "version": facts.version,
                        "source": facts.source,
                    },
                    "internalParameters": dict(ready.tools),
                    "resolvedDependencies": _dependencies(release, ready),
                },
                "runDetails": {
                    "builder": {"id": BUILDER},
                    "metadata": {"invocationId": f"{facts.number}-{release.short}"},
                },
            },
        }
    )


def _dependencies(release: Release, ready: Ready) -> list[Mapping[str, Any]]:
    """Return what went in: the source commit, the release commit with the pins, and the lock of the tools."""
    git = ready.places.get("git")
    uri = {"uri": f"git+{git}"} if git else {}
    lock = ready.tools.get("lock")
    rows: list[Mapping[str, Any]] = [
        {"name": "source", "digest": {"gitCommit": release.facts.source}, **uri},
        {"name": "release commit", "digest": {"gitCommit": ready.commit}, **uri},
    ]
    return [*rows, *([{"name": "requirements.lock", "digest": {"sha256": lock}}] if lock else [])]


def to_be_signed(payload: bytes) -> bytes:
    """Return the bytes that a signature of the payload is over."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(payload: bytes, keyid: str | None, signature: bytes = b"") -> bytes:
    """Return the envelope: with one signature, or with none where there is no key."""
    signed = [{"keyid": keyid, "sig": base64.b64encode(signature).decode()}] if keyid else []
    text = base64.b64encode(payload).decode()
    return encode({"payloadType": PAYLOAD_TYPE, "payload": text, "signatures": signed})


def opened(raw: bytes) -> Envelope | None:
    """Open an envelope of ours without checking its signature; None where it is none."""
    try:
        found = json.loads(raw)
        rows = found["signatures"]
        payload = base64.b64decode(found["payload"], validate=True)
        signature = base64.b64decode(rows[0]["sig"], validate=True) if rows else b""
        keyid = str(rows[0]["keyid"]) if rows else None
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    if envelope(payload, keyid, signature) != raw:
        return None
    return Envelope(payload=payload, keyid=keyid, signature=signature)
