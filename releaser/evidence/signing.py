"""The key that signs a release: from the environment, a file or an external command, and what may be used.

RELEASE_SIGNING_KEY (PEM) comes first, then RELEASE_SIGNING_KEY_FILE, then `signing.command`. With
`signing.public_key` a signature is required, and by that key; without any of them a release is unsigned.
"""

import base64
import binascii
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import SigningError
from releaser.model import Release
from releaser.tools import ed25519, shell
from releaser.tools.ed25519 import SIGNATURE_SIZE, KeyFormatError, Private, Public

KEY, KEY_FILE = "RELEASE_SIGNING_KEY", "RELEASE_SIGNING_KEY_FILE"
PATIENCE_S = 60.0
MAKE = f"`openssl genpkey -algorithm ed25519` makes one; give its text in {KEY}, or its file in {KEY_FILE}."
GIVE = f"Give the key in {KEY} or {KEY_FILE}, or name a program in signing.command; see docs/evidence.md."


@dataclass(frozen=True, kw_only=True)
class Signer:
    """What signs, and the public key that its signatures are checked with."""

    public: Public
    source: str  # how errors name it
    act: Callable[[bytes], bytes]

    def sign(self, message: bytes) -> bytes:
        """Return the signature; raises SigningError where it is none of the public key."""
        signature = self.act(message)
        if not self.public.verifies(signature, message):
            raise SigningError(
                f"the signature by {self.source} does not verify with the key {self.public.keyid}",
                "The program must sign the bytes of its standard input as they are, by Ed25519, "
                "with the private half of signing.public_key.",
            )
        return signature


def find(release: Release) -> Signer | None:
    """Return what signs this release, None where nothing is configured; raises SigningError."""
    required, given = _required(release), _given()
    if given is None:
        return _unsigned_or_command(release, required)
    private, source = given
    if required and private.public != required:
        raise SigningError(
            f"{source} is the key {private.public.keyid}, "
            f"but {release.config.signing.public_key} is {required.keyid}",
            f"Give the private half of {release.config.signing.public_key}, or commit the new public key.",
        )
    return Signer(public=private.public, source=source, act=private.sign)


def known(release: Release) -> list[Public]:
    """Return the public keys that are known here: the source commit's, and that of the key that is given."""
    given, pem = _given(), _committed(release)
    committed = [] if pem is None else [_public(release, pem)]
    return [*committed, *([given[0].public] if given else [])]


def _unsigned_or_command(release: Release, required: Public | None) -> Signer | None:
    command = release.config.signing.command
    if command and required is None:
        raise SigningError(
            "signing.command needs signing.public_key, the key that its signatures are checked with",
            "Commit the public key in PEM form, and name its path in signing.public_key.",
        )
    if required is None:
        return None
    if not command:
        raise SigningError(f"signing.public_key asks for signed releases, and {KEY} is not set", GIVE)
    return Signer(public=required, source=f"signing.command ({command[0]})", act=_asking(release))


def _given() -> tuple[Private, str] | None:
    """Return the private key of the environment, and the name of its variable."""
    text, path = os.environ.get(KEY, ""), os.environ.get(KEY_FILE, "")
    if text.strip():
        return _private(text.encode(), KEY), KEY
    if not path:
        return None
    try:
        return _private(Path(path).read_bytes(), f"{KEY_FILE} ({path})"), KEY_FILE
    except OSError as error:
        raise SigningError(
            f"{KEY_FILE} names {path}, which cannot be read: {error.strerror}", MAKE
        ) from error


def _private(pem: bytes, source: str) -> Private:
    try:
        return ed25519.read_private(pem)
    except KeyFormatError as error:
        raise SigningError(f"{source} {error}", MAKE) from None


def _required(release: Release) -> Public | None:
    """Return the key that signing.public_key names, as the source commit holds it."""
    path, pem = release.config.signing.public_key, _committed(release)
    if path and pem is None:
        raise SigningError(
            f"signing.public_key names {path}, which {release.short} does not hold",
            "Commit the public key: `openssl pkey -in KEY -pubout` writes it.",
        )
    return None if pem is None else _public(release, pem)


def _committed(release: Release) -> bytes | None:
    path = release.config.signing.public_key
    return release.world.repository.read(release.facts.source, path) if path else None


def _public(release: Release, pem: bytes) -> Public:
    path = release.config.signing.public_key
    try:
        return ed25519.read_public(pem)
    except KeyFormatError as error:
        remedy = "`openssl pkey -in KEY -pubout` writes the public half of an Ed25519 key."
        raise SigningError(f"{path} {error}", remedy) from None


def _asking(release: Release) -> Callable[[bytes], bytes]:
    """Return what hands a message to signing.command and takes the raw or base64 signature from it."""
    settings = release.config.signing

    def act(message: bytes) -> bytes:
        env = {name: os.environ[name] for name in settings.environment if name in os.environ}
        remedy = "It gets what is to be signed on standard input; see docs/evidence.md."
        try:
            done = shell.run(
                settings.command,
                env=env,
                stdin=message,
                error=SigningError,
                remedy=remedy,
                patience=PATIENCE_S,
            )
        except OSError as error:
            raise SigningError(f"'{settings.command[0]}' cannot be run: {error.strerror}", remedy) from error
        return _signature(done.stdout, settings.command[0])

    return act


def _signature(answer: bytes, program: str) -> bytes:
    if len(answer) == SIGNATURE_SIZE:
        return answer
    try:
        decoded = base64.b64decode(b"".join(answer.split()), validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) != SIGNATURE_SIZE:
        raise SigningError(
            f"'{program}' answered {len(answer)} bytes, which are no signature",
            f"An Ed25519 signature has {SIGNATURE_SIZE} bytes: raw, or in base64, and nothing else.",
        )
    return decoded
