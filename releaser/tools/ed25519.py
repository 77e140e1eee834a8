"""Ed25519 keys and signatures: the one place for the `cryptography` library.

No error here holds any part of a private key.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_SIZE = 64


class KeyFormatError(ValueError):
    """What was given is no usable key; the message ends a sentence that names where it came from."""


@dataclass(frozen=True)
class Public:
    """A public key, as DER of its SubjectPublicKeyInfo."""

    der: bytes

    @property
    def keyid(self) -> str:
        """The key's name: sha256 of its DER."""
        return hashlib.sha256(self.der).hexdigest()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is one of this message by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        key = load_der_public_key(self.der)
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFormatError("is no Ed25519 key")
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Private:
    """A private key; it is not shown by `repr`."""

    key: "Ed25519PrivateKey" = field(repr=False)

    @property
    def public(self) -> Public:
        """Its public half."""
        return _public(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the signature: the same key and message give the same 64 bytes."""
        return self.key.sign(message)


def read_private(pem: bytes) -> Private:
    """Read a private key without a passphrase; raises KeyFormatError where it is none of Ed25519."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyFormatError("is protected by a passphrase, which nobody can type here") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("is no private key in PEM form") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFormatError("is a private key of another kind than Ed25519")
    return Private(key)


def read_public(pem: bytes) -> Public:
    """Read a public key; raises KeyFormatError where it is none of Ed25519."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in pem:
        raise KeyFormatError(
            "is a private key: it must not be in the repository, nor where a public one is due"
        )
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("is no public key in PEM form") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFormatError("is a public key of another kind than Ed25519")
    return _public(key)


def _public(key: "Ed25519PublicKey") -> Public:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Public(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
