"""The proof of a release, its statement and the record's signature: what is there, and what is to be made.

The statement is put before the record's signature, and that before the record. A run can end between any two
of them and be taken up by somebody with another key or none, so what is there decides:

- Nothing is there: the key that is configured signs both; without one the statement has no signature.
- The statement is there: it is never written again, and who signed it has to sign the record. Another key, or
  none, is an error that names both, before anything more becomes public: the release waits for its key.
- The statement is there without a signature: the release ends as it began, unsigned, even where there is a
  key now; only where `signing.public_key` asks for signatures is that an error.
- The statement was lost, but the record or its signature is there: they say who has to sign.
- All are there and say the same: the release is finished, and no key is needed to see that. After a rotation
  the old releases stay signed by the old key.

Signatures that are there are checked wherever their public key is known; one that fails is another's work.
"""

from collections.abc import Callable
from dataclasses import dataclass

from releaser import record
from releaser.errors import OverwriteError, SigningError
from releaser.evidence import provenance, signing
from releaser.evidence.provenance import Envelope
from releaser.evidence.signing import Signer
from releaser.model import Release
from releaser.tools.ed25519 import Public

REMEDY = "Nothing published is ever overwritten. Find out who put it there; release another version."


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What is to be proven: the statement's bytes, and the record's, which name who signs."""

    statement: bytes
    record: Callable[[str | None], bytes]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What is public of it; `signature` is the record's, None where the release is unsigned."""

    envelope: bytes
    record: bytes
    signature: bytes | None


@dataclass(frozen=True, kw_only=True)
class _There:
    """What the bucket holds of it already; a record or statement that is not ours is not taken for one."""

    envelope: bytes | None
    opened: Envelope | None
    record: bytes | None
    signature: bytes | None

    @property
    def begun(self) -> bool:
        """Whether it says who signs, or that nobody does."""
        return self.opened is not None or self.record is not None

    @property
    def keyid(self) -> str | None:
        """Who signs."""
        if self.opened:
            return self.opened.keyid
        return record.said(self.record).get("signed_by") if self.record else None


def statement_key(release: Release) -> str:
    """Return the key of the statement."""
    return f"{release.public_prefix}/{release.name}_buildpack-v{release.version}.intoto.json"


def signature_key(release: Release) -> str:
    """Return the key of the record's signature."""
    return f"{release.record_key}.sig"


def of(release: Release, claims: Claims, record_there: bytes | None) -> Proof:
    """Return the release's proof: what is there, completed; raises SigningError and OverwriteError."""
    there = _look(release, claims, record_there)
    if there.envelope and there.record and (there.signature is None) == (there.keyid is None):
        _require_signatures(release, there, signing.known(release), there.record)
        return Proof(envelope=there.envelope, record=there.record, signature=there.signature)
    signer = _signer(release, there)
    public = [signer.public] if signer else []
    made = there.record or claims.record(signer.public.keyid if signer else None)
    _require_signatures(release, there, public, made)
    return Proof(
        envelope=there.envelope or _envelope(claims.statement, signer),
        record=made,
        signature=there.signature or (signer.sign(made) if signer else None),
    )


def _look(release: Release, claims: Claims, record_there: bytes | None) -> _There:
    store, key = release.world.store, statement_key(release)
    envelope = store.read(key)
    opened = provenance.opened(envelope) if envelope is not None else None
    if envelope is not None and (opened is None or opened.payload != claims.statement):
        raise OverwriteError(
            f"{key} exists with other bytes: it is no statement on this release's files", REMEDY
        )
    there = _There(
        envelope=envelope, opened=opened, record=record_there, signature=store.read(signature_key(release))
    )
    if record_there is None or record_there == claims.record(there.keyid):
        return there
    return _There(envelope=envelope, opened=opened, record=None, signature=there.signature)


def _signer(release: Release, there: _There) -> Signer | None:
    """Return who signs what is missing, None for nobody; raises SigningError where it is not who has to."""
    signer = signing.find(release)
    if there.begun and there.keyid is None:
        _require_unsigned_is_enough(release)
        return None
    ours = signer.public.keyid if signer else None
    if there.begun and ours != there.keyid:
        raise SigningError(
            f"{release.version} was begun signed by the key {there.keyid}, "
            f"and {f'{signer.source} is {ours}' if signer else 'no key is given now'}",
            f"Give that key in {signing.KEY} or {signing.KEY_FILE} and run the same command again. "
            "Where it is lost: docs/evidence.md.",
        )
    if there.signature is not None and signer is None:
        raise SigningError(f"{signature_key(release)} is there, and no key is given now", signing.GIVE)
    return signer


def _require_unsigned_is_enough(release: Release) -> None:
    path = release.config.signing.public_key
    if path:
        raise SigningError(
            f"{release.version} was begun unsigned, and {path} asks for a signature now",
            "Finish it without signing.public_key in sidecar.yml, or remove "
            f"{statement_key(release)} from the bucket while there is no {release.record_key}.",
        )


def _require_signatures(release: Release, there: _There, keys: list[Public], made: bytes) -> None:
    """Refuse what is there and is not signed by who has to, where that key is among the known ones."""
    known = next((key for key in keys if not there.begun or key.keyid == there.keyid), None)
    opened, signature = there.opened, there.signature
    if known and opened and not known.verifies(opened.signature, provenance.to_be_signed(opened.payload)):
        _refuse(statement_key(release), known)
    stray = there.begun and there.keyid is None
    if signature is not None and (stray or (known and not known.verifies(signature, made))):
        _refuse(signature_key(release), known)


def _refuse(key: str, public: Public | None) -> None:
    whose = f"signed by {public.keyid}" if public else "unsigned"
    raise OverwriteError(
        f"{key} exists with other bytes: the release is {whose}, and this is not that", REMEDY
    )


def _envelope(statement: bytes, signer: Signer | None) -> bytes:
    if signer is None:
        return provenance.envelope(statement, None)
    return provenance.envelope(
        statement, signer.public.keyid, signer.sign(provenance.to_be_signed(statement))
    )
