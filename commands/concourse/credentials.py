"""A file of secrets' values, for a Concourse without a credential manager: it stores them in clear."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.concourse import files
from commands.concourse.files import Checkout
from releaser import report
from releaser.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The file, and every line of every value in it, the longest first, with its name."""

    path: Path
    lines: tuple[tuple[str, str], ...]

    def mask(self, text: str) -> str:
        """Return a text with the values replaced by their names."""
        for line, name in self.lines:
            text = text.replace(line, f"(({name}))")
        return text


def read(path: Path, checkout: Checkout) -> Credentials:
    """Read the file; raises ConfigError where one of its keys would take the place of sidecar.yml's."""
    found = files.read(path)
    shared = sorted(set(found) & set(checkout.values))
    if shared:
        raise ConfigError(
            f"{path} has keys that are sidecar.yml's: {', '.join(shared)}",
            "Fly would take them for sidecar.yml's whole section. Name each secret as sidecar.yml does, such "
            "as s3_access_key_id.",
        )
    rows = {line: name for name, value in found.items() for line in _lines(value)}
    longest = sorted(rows.items(), key=lambda row: len(row[0]), reverse=True)
    return Credentials(path=path.resolve(), lines=tuple(longest))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _lines(one)
    else:
        yield from (line for line in str(value).splitlines() if len(line) >= report.SHORTEST)
