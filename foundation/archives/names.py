"""The names in a zip: UTF-8, relative, and such that every system and log can hold them."""

import unicodedata
import zipfile
from pathlib import PurePosixPath

from foundation.failures import ArchiveError

LONGEST_PART = 255  # bytes, of every file system
LONGEST_NAME = 4096 - 256  # bytes, with room for the folder it is unpacked to
UTF_8 = 0x800  # the flag that says so; without it Python takes a name's bytes for code page 437


def checked(info: zipfile.ZipInfo) -> str:
    """Return the name of an entry; raise ArchiveError where it cannot be used."""
    name = _decoded(info)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"the archive's entry {name!r} leads out of its folder")
    if not name or "\\" in name or any(unicodedata.category(char) == "Cc" for char in name):
        raise ArchiveError(f"the archive's entry {name!r} has a name with a backslash or control character")
    if len(name.encode()) > LONGEST_NAME or any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise ArchiveError(f"the archive's entry '{name[:60]}...' has a name that is too long")
    return name


def _decoded(info: zipfile.ZipInfo) -> str:
    """Return the name as its bytes are in UTF-8, whatever the entry says of them."""
    given = info.orig_filename  # the other name is cut at a NUL
    if info.flag_bits & UTF_8:
        return given
    try:
        return given.encode("cp437").decode()
    except UnicodeError as error:
        raise ArchiveError(f"the archive's entry {given!r} has a name that is not UTF-8") from error
