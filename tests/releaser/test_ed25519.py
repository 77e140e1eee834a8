"""Keys are read or refused, without a word of them in errors; a signature is of one key and one message."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from releaser.tools.ed25519 import KeyFormatError, read_private, read_public
from tests.releaser.released import private_pem, public_pem

PEM = private_pem(1)
KEYID = "fd110d301d2f077de1414b8f99f441b1403fab207b2052fbd2c065e4ee8e7dc2"


def private(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


LOCKED = ed25519.Ed25519PrivateKey.generate().private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
)
EC = ec.generate_private_key(ec.SECP256R1())
UNUSABLE = {
    "nothing": (b"", "is no private key in PEM form"),
    "words": (b"not a key", "is no private key in PEM form"),
    "half of a key": (PEM[: len(PEM) // 2], "is no private key in PEM form"),
    "a damaged key": (PEM.replace(b"MC4", b"MC5"), "is no private key in PEM form"),
    "a public key": (public_pem(1), "is no private key in PEM form"),
    "an EC key": (private(EC), "another kind than Ed25519"),
    "an X25519 key": (private(x25519.X25519PrivateKey.generate()), "another kind than Ed25519"),
    "one with a passphrase": (LOCKED, "passphrase"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_private_key_that_cannot_be_used_is_refused_without_showing_it(name: str) -> None:
    pem, said = UNUSABLE[name]
    with pytest.raises(KeyFormatError, match=said) as caught:
        read_private(pem)
    assert not [line for line in pem.decode().splitlines() if line in str(caught.value)]


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (b"words", "is no public key in PEM form"),
        (PEM, "is a private key"),
        (
            EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "another kind than Ed25519",
        ),
    ],
)
def test_public_key_that_cannot_be_used_is_refused(pem: bytes, said: str) -> None:
    with pytest.raises(KeyFormatError, match=said):
        read_public(pem)


def test_key_is_not_shown_by_repr() -> None:
    assert repr(read_private(PEM)) == "Private()"


def test_halves_of_a_key_have_one_name_which_is_the_digest_of_its_der() -> None:
    """The expected name is what `openssl pkey -pubin -outform DER | sha256sum` says of this key."""
    assert read_private(PEM).public == read_public(public_pem(1))
    assert read_public(public_pem(1)).keyid == KEYID
    assert read_public(public_pem(2)).keyid != KEYID


def test_signature_is_the_same_each_time_and_verifies_only_its_message_and_key() -> None:
    key = read_private(PEM)
    signature = key.sign(b"words")
    assert signature == read_private(PEM).sign(b"words")
    assert len(signature) == 64
    assert key.public.verifies(signature, b"words")
    assert not key.public.verifies(signature, b"Words")
    assert not key.public.verifies(signature[:-1], b"words")
    assert not key.public.verifies(bytes([signature[0] ^ 1]) + signature[1:], b"words")
    assert not read_public(public_pem(2)).verifies(signature, b"words")
