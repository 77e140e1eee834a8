"""What a zip may hold: entries and links that stay inside of their folder, and not more than a limit."""

import calendar
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from foundation.archives.directory import LARGEST_DIRECTORY, MOST_ENTRIES
from foundation.archives.names import checked
from foundation.failures import ArchiveError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what the builder unpacks, too
ENCRYPTED = 1  # a flag
LARGEST = 8 << 30  # bytes that an archive may unpack to
LONGEST_TARGET = 4096
MOST_LINKS = 40  # that a path may lead through, as in Linux
MOST_STEPS = 20_000_000  # of all links together, each as far as its place is deep

Kind = Literal["file", "folder", "link"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file, folder or link: `name` is relative and clean, `target` is a link's, `info` a file's."""

    name: str
    kind: Kind
    mode: int
    mtime: int
    target: str = ""
    info: zipfile.ZipInfo | None = None


def entries(archive: zipfile.ZipFile, *, limit: int = LARGEST) -> list[Entry]:
    """Return a zip's entries sorted by name, with the folders that it does not list; of equal names the last.

    Raises ArchiveError where a name or a link leads out, links go in a circle, something lies below a file or
    link, an entry is neither file, folder nor link, is packed as no builder can unpack it, or there are more
    than `limit` bytes.
    """
    found = archive.infolist()
    size = sum(info.file_size for info in found)
    if size > limit:
        raise ArchiveError(f"the archive unpacks to {size} bytes, more than {limit}")
    named = {entry.name: entry for entry in (_entry(archive, info) for info in found)}
    _add_folders(named)
    named.pop(".", None)
    links = {name: entry.target for name, entry in named.items() if entry.kind == "link"}
    steps = 0
    for name in links:
        steps += _check_link(name, links)
        if steps > MOST_STEPS:
            raise ArchiveError(f"the archive's {len(links)} links are too tangled to be followed")
    return [named[name] for name in sorted(named)]


def _add_folders(named: dict[str, Entry]) -> None:
    """Add the folders that entries lie in and that are not listed; each is looked at once."""
    known: set[str] = set()
    size = 0
    for name in list(named):
        for parent in map(str, PurePosixPath(name).parents):
            if parent in known:
                break
            known.add(parent)
            size += len(parent)
            above = named.setdefault(parent, Entry(name=parent, kind="folder", mode=0o755, mtime=0))
            if above.kind != "folder":
                raise ArchiveError(f"the archive's entry '{name}' lies below '{parent}', which is no folder")
        if len(named) > MOST_ENTRIES or size > LARGEST_DIRECTORY:
            raise ArchiveError(f"the archive's {len(known)} folders are too many or lie too deep")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path = PurePosixPath(checked(info))
    if info.compress_type not in METHODS or info.flag_bits & ENCRYPTED:
        raise ArchiveError(f"the archive's entry '{path}' is encrypted or neither stored nor deflated")
    mode = info.external_attr >> 16
    mtime = _mtime(info)
    permissions = mode & 0o777
    if info.is_dir() or stat.S_ISDIR(mode):
        return Entry(name=str(path), kind="folder", mode=permissions or 0o755, mtime=mtime)
    if stat.S_ISLNK(mode):
        target = _target(archive, info)
        return Entry(name=str(path), kind="link", mode=0o777, mtime=mtime, target=target)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f"the archive's entry '{path}' is neither file, folder nor link")
    return Entry(name=str(path), kind="file", mode=permissions or 0o644, mtime=mtime, info=info)


def _mtime(info: zipfile.ZipInfo) -> int:
    try:
        return max(0, calendar.timegm((*info.date_time, 0, 0, 0)))
    except ValueError:  # month 0, day 0: what writers that know no time write
        return 0


def _target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > LONGEST_TARGET:
        raise ArchiveError(f"the archive's link '{info.filename}' has a target of {info.file_size} bytes")
    target = archive.read(info).decode()
    if not target or "\0" in target:
        raise ArchiveError(f"the archive's link '{info.filename}' has a target that cannot be: {target!r}")
    return target


def _check_link(name: str, links: Mapping[str, str]) -> int:
    """Follow a link as the kernel would and say how hard it was; to nowhere is fine, outside is not."""
    place = list(PurePosixPath(name).parent.parts)
    ahead = [PurePosixPath(name).name]
    followed = steps = 0
    while ahead:
        steps += len(place)  # what a step costs
        part = ahead.pop()
        if part == "..":
            if not place:
                raise ArchiveError(f"the archive's link '{name}' leads out of its folder: '{links[name]}'")
            place.pop()
            continue
        place.append(part)
        target = links.get("/".join(place))
        if target is None:
            continue
        followed += 1
        if target.startswith("/"):
            raise ArchiveError(f"the archive's link '{name}' leads out of its folder: '{target}'")
        if followed > MOST_LINKS:
            raise ArchiveError(f"the archive's link '{name}' leads in a circle")
        place.pop()
        ahead.extend(reversed(PurePosixPath(target).parts))
    return steps
