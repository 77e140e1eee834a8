"""What a zip may hold: entries and links that stay inside of their folder, and not more than a limit."""

import calendar
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from foundation.failures import ArchiveError

MOST_ENTRIES = 200_000
LARGEST = 8 << 30  # bytes that an archive may unpack to
LONGEST_TARGET = 4096
MOST_LINKS = 40  # that a path may lead through, as in Linux

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
    link, an entry is neither file, folder nor link, or there are too many entries or more than `limit` bytes.
    """
    found = archive.infolist()
    if len(found) > MOST_ENTRIES:
        raise ArchiveError(f"the archive holds {len(found)} entries, more than {MOST_ENTRIES}")
    size = sum(info.file_size for info in found)
    if size > limit:
        raise ArchiveError(f"the archive unpacks to {size} bytes, more than {limit}")
    named = {entry.name: entry for entry in (_entry(archive, info) for info in found)}
    for name in list(named):
        for parent in PurePosixPath(name).parents:
            above = named.setdefault(str(parent), Entry(name=str(parent), kind="folder", mode=0o755, mtime=0))
            if above.kind != "folder":
                raise ArchiveError(f"the archive's entry '{name}' lies below '{parent}', which is no folder")
    named.pop(".", None)
    links = {name: entry.target for name, entry in named.items() if entry.kind == "link"}
    for name in links:
        _check_link(name, links)
    return [named[name] for name in sorted(named)]


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts or "\0" in info.filename:
        raise ArchiveError(f"the archive's entry '{info.filename}' leads out of its folder")
    mode = info.external_attr >> 16
    mtime = max(0, calendar.timegm((*info.date_time, 0, 0, 0)))
    permissions = mode & 0o777
    if info.is_dir() or stat.S_ISDIR(mode):
        return Entry(name=str(path), kind="folder", mode=permissions or 0o755, mtime=mtime)
    if stat.S_ISLNK(mode):
        target = _target(archive, info)
        return Entry(name=str(path), kind="link", mode=0o777, mtime=mtime, target=target)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f"the archive's entry '{info.filename}' is neither file, folder nor link")
    return Entry(name=str(path), kind="file", mode=permissions or 0o644, mtime=mtime, info=info)


def _target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > LONGEST_TARGET:
        raise ArchiveError(f"the archive's link '{info.filename}' has a target of {info.file_size} bytes")
    return archive.read(info).decode()


def _check_link(name: str, links: Mapping[str, str]) -> None:
    """Follow a link as the kernel would; a target that is not there is fine, one outside is not."""
    place = list(PurePosixPath(name).parent.parts)
    ahead = [PurePosixPath(name).name]
    followed = 0
    while ahead:
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
