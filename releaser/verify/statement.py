"""Reads a statement and judges its signature: what `verify VERSION` and `verify --zip` have in common."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from releaser.errors import VerifyError
from releaser.evidence import provenance
from releaser.tools.ed25519 import Public as Key
from releaser.verify.rows import Row, failed, passed


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a statement says: its subjects (file name to sha256), its predicate, and who signed it."""

    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]
    payload: bytes
    keyid: str | None
    signature: bytes


def read(raw: bytes, name: str) -> Statement:
    """Open an envelope, without judging its signature; raises VerifyError where it is none of ours."""
    envelope = provenance.opened(raw)
    if envelope is None:
        raise VerifyError(f"{name} is no DSSE envelope as the train writes it: it was changed")
    try:
        said = json.loads(envelope.payload)
        rows = [(str(one["name"]), str(one["digest"]["sha256"])) for one in said["subject"]]
        kinds = (said["_type"], said["predicateType"])
        predicate = dict(said["predicate"])
    except (ValueError, LookupError, TypeError) as error:
        raise VerifyError(f"{name} holds no in-toto statement: {error!r}") from error
    if kinds != (provenance.STATEMENT_TYPE, provenance.PREDICATE_TYPE):
        raise VerifyError(f"{name} holds {kinds[1]} in {kinds[0]}, not SLSA provenance")
    if len(dict(rows)) != len(rows):
        raise VerifyError(f"{name} names a file twice")
    return Statement(
        subjects=dict(rows),
        predicate=predicate,
        payload=envelope.payload,
        keyid=envelope.keyid,
        signature=envelope.signature,
    )


def signed(statement: Statement, name: str, key: Key) -> Iterator[Row]:
    """The statement is signed by exactly this key."""
    if statement.keyid is None:
        yield failed("signature", f"nobody signed {name}, expected the key {key.keyid}")
    elif statement.keyid != key.keyid:
        yield failed("signature", f"{name} is signed by the key {statement.keyid}, expected {key.keyid}")
    elif key.verifies(statement.signature, provenance.to_be_signed(statement.payload)):
        yield passed("signature", f"{name} is signed by the key {key.keyid}")
    else:
        yield failed("signature", f"the signature of {name} is not by the key {key.keyid}, which it names")
