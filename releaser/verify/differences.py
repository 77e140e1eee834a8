"""Explains how two lists of a zip's entries differ, entry by entry, or two files by a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

LONGEST = 160  # of a line that is shown

Entry = tuple[str, int, str]  # path, mode, sha256


class Content(NamedTuple):
    """What counts of an entry for sameness."""

    mode: int
    digest: str

    def __str__(self) -> str:
        return f"{self.mode:04o} sha256 {self.digest}"


@dataclass(frozen=True)
class Names:
    """What the two lists are called in a line."""

    first: str
    second: str


def entries(first: Iterable[Entry], second: Iterable[Entry], names: Names) -> list[str]:
    """Return a line for each entry that differs or that one of the lists lacks."""
    ours, theirs = _by_path(first), _by_path(second)
    paths = sorted(ours.keys() | theirs.keys())
    return [line for path in paths if (line := _line(path, ours, theirs, names))]


def _by_path(rows: Iterable[Entry]) -> Mapping[str, Content]:
    return {path: Content(mode, digest) for path, mode, digest in rows}


def _line(path: str, first: Mapping[str, Content], second: Mapping[str, Content], names: Names) -> str:
    if path not in second:
        return f"{path}: {names.first} {first[path]}, but not {names.second}"
    if path not in first:
        return f"{path}: {names.second} {second[path]}, but not {names.first}"
    if first[path] == second[path]:
        return ""
    return f"{path}: {names.first} {first[path]}, {names.second} {second[path]}"


def text(expected: bytes, found: bytes) -> str:
    """Return in words the first line by which two files differ."""
    pairs = zip_longest(found.splitlines(), expected.splitlines())
    for number, (there, wanted) in enumerate(pairs, start=1):
        if there != wanted:
            return f"line {number} is {_shown(there)}, expected {_shown(wanted)}"
    return "the line ends differ"


def _shown(line: bytes | None) -> str:
    if line is None:
        return "missing"
    words = line.decode("utf-8", "replace")
    return repr(words if len(words) < LONGEST else words[:LONGEST] + "…")
