"""`./inv verify --zip FILE`: a zip by the one file beside it; no git, bucket, network or sidecar.yml."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from releaser.errors import UnvouchedError, VerifyError
from releaser.model import sha256
from releaser.tools import ed25519, zips
from releaser.tools.ed25519 import KeyFormatError
from releaser.tools.ed25519 import Public as Key
from releaser.verify import statement
from releaser.verify.rows import Row, collect, failed, passed, warned
from releaser.verify.statement import Statement

NAME = re.compile(r"(?P<name>[a-z][a-z0-9-]*)_buildpack(-[a-z0-9-]+)?-v(?P<version>\d+\.\d+\.\d+)\.zip")
REMEDY = "Do not install it. Get zip and statement again from where they are published."
NO_KEY = (
    "Give the maintainers' public key, which you did not get from where the zip is: --key PUB. "
    "Without it anybody may have written the statement."
)


def read_key(path: Path) -> Key:
    """Read a public key in PEM form; raises VerifyError."""
    try:
        return ed25519.read_public(path.read_bytes())
    except OSError as error:
        raise VerifyError(f"the key {path} cannot be read: {error.strerror}", "Name a PEM file.") from error
    except KeyFormatError as error:
        remedy = "It must be Ed25519, in PEM: `openssl pkey -in KEY -pubout` writes it."
        raise VerifyError(f"the key {path} {error}", remedy) from error


def statement_of(path: Path) -> Path:
    """Return where the statement of a zip lies; raises VerifyError where its name is none of ours."""
    found = NAME.fullmatch(path.name)
    if found is None:
        raise VerifyError(
            f"{path.name} is no name of a released buildpack, so nothing says which statement belongs to it",
            "Name the zip as it was published, and the statement by --statement FILE.",
        )
    return path.with_name(f"{found['name']}_buildpack-v{found['version']}.intoto.json")


def check(path: Path, beside: Path, key: Key | None) -> list[Row]:
    """Return the rows of a zip and its statement."""
    said: list[Statement] = []

    def opened() -> Iterator[Row]:
        said.append(statement.read(_bytes(beside), beside.name))
        return iter(())

    rows = list(collect("statement", opened))
    if said:
        rows += collect("signature", partial(_signed, said[0], beside.name, key))
        rows += collect("digest", partial(_named, path, said[0], beside.name))
    return [*rows, *collect("entries", partial(_entries, path))]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VerifyError(f"the statement {path} cannot be read: {error.strerror}") from error


def _signed(said: Statement, name: str, key: Key | None) -> Iterator[Row]:
    if key is not None:
        yield from statement.signed(said, name, key)
    elif said.keyid is None:
        yield warned("signature", f"nobody signed {name}")
    else:
        yield warned("signature", f"{name} names the key {said.keyid} as its signer; that was NOT checked")


def _named(path: Path, said: Statement, name: str) -> Iterator[Row]:
    """The statement names this file with these bytes."""
    digest = sha256(path)
    wanted = said.subjects.get(path.name)
    if wanted == digest:
        yield passed("digest", f"{path.name} has sha256 {digest}, as {name} says")
        return
    other = next((one for one, its in said.subjects.items() if its == digest), None)
    known = f"these bytes are {other}'s" if other else "these bytes are nobody's there"
    expected = f"expected {wanted}" if wanted else f"and {name} does not name that file"
    yield failed("digest", f"{path.name} has sha256 {digest}, {expected}; {known}")


def _entries(path: Path) -> Iterator[Row]:
    """The zip holds plain files, none of which leaves its folder."""
    yield passed("entries", f"{path.name} holds {len(zips.entries(path))} plain files")


def require_signer(path: Path, rows: list[Row], key: Key | None) -> None:
    """Raise UnvouchedError where nothing is wrong, but nobody known vouches for it: that is no success."""
    if key is None:
        raise UnvouchedError(
            f"nobody known vouches for {path.name}: " + "; ".join(row.detail for row in rows if row.warning),
            NO_KEY,
        )
