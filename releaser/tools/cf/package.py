"""Packs an app's folder as the cf CLI does: the same files left out, modes and symlinks kept."""

import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from releaser.errors import ConfigError

# The cf CLI's own list. It stands after .cfignore's lines, so that they cannot bring these back.
ALWAYS_IGNORED = (
    ".cfignore",
    ".DS_Store",
    ".git",
    ".gitignore",
    ".hg",
    ".svn",
    "_darcs",
    "manifest.yml",
    "manifest.yaml",
)
DATE = (1980, 1, 1, 0, 0, 0)
UNIX = 3


def pack(folder: Path, into: Path) -> None:
    """Write the zip of a folder; raises ConfigError where nothing of it may be uploaded."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for path in _chosen(folder):
            _add(out, folder, path)
        if not out.namelist():
            raise ConfigError(f"the app's folder {folder} holds no file to upload", "Check its .cfignore.")


def _chosen(folder: Path) -> Iterator[Path]:
    """Yield what is uploaded, folders before what is in them."""
    own = folder / ".cfignore"
    lines = own.read_text(encoding="utf-8").splitlines() if own.is_file() else []
    ignored = GitIgnoreSpec.from_lines([*lines, *ALWAYS_IGNORED])
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_folder = path.is_dir() and not path.is_symlink()
        if not ignored.match_file(f"{name}/" if is_folder else name):
            yield path


def _add(out: zipfile.ZipFile, folder: Path, path: Path) -> None:
    mode, name = path.lstat().st_mode, path.relative_to(folder).as_posix()
    if stat.S_ISDIR(mode):
        out.writestr(_entry(f"{name}/", stat.S_IFDIR | 0o755), b"")
    elif stat.S_ISLNK(mode):
        out.writestr(_entry(name, stat.S_IFLNK | 0o777), os.fsencode(path.readlink()))
    elif stat.S_ISREG(mode):
        with path.open("rb") as source, out.open(_entry(name, mode), "w") as target:
            while chunk := source.read(1 << 20):
                target.write(chunk)


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DATE)
    entry.create_system = UNIX
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
    return entry
