"""Makes a buildpack's zips from its folder, as Cloud Foundry's buildpack-packager does, byte for byte again.

Rules from libbuildpack's packager: the zip holds the manifest's `include_files`, then the dependencies when
cached, each at `dependencies/<md5 of uri>/<base name>` with that path as its `file` key; for one stack the
manifest gains `stack`, and loses `cf_stacks` and the dependencies of other stacks.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from releaser.errors import PackageError
from releaser.tools import zips
from releaser.tools.zips import Source

MANIFEST = "manifest.yml"
CREDENTIALS = re.compile(
    rb"(?P<key>(?:AKIA|ASIA)[A-Z0-9]{16})|-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@\"']+:[^/\s@\"'$]+@"
)
Fetch = Callable[["Dependency"], Path]


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """A file that staging needs, as the manifest names it."""

    name: str
    version: str
    uri: str
    sha256: str

    @property
    def place(self) -> str:
        """Where a cached zip holds it. MD5 here is the packager's naming rule, not a protection."""
        folder = hashlib.md5(self.uri.encode(), usedforsecurity=False).hexdigest()
        return f"dependencies/{folder}/{PurePosixPath(self.uri).name}"


def zip_name(manifest: Mapping[str, Any], version: str, *, stack: str | None, cached: bool) -> str:
    """Return the packager's name for a zip; None stands for any stack."""
    parts = [
        f"{manifest['language']}_buildpack",
        *(["cached"] if cached else []),
        *([stack] if stack else []),
    ]
    return "-".join([*parts, f"v{version}.zip"])


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a buildpack's manifest.yml; raises PackageError where it is none."""
    try:
        manifest = yaml.safe_load((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise PackageError(f"{MANIFEST} cannot be read: {error}", "Run ./inv bump to write it.") from error
    if not isinstance(manifest, dict):
        raise PackageError(f"{MANIFEST} is not a map", "Run ./inv bump to write it anew.")
    missing = [key for key in ("language", "dependencies", "include_files") if key not in manifest]
    if missing or manifest.get("stack"):
        wrong = f"lacks {', '.join(missing)}" if missing else "has a stack already: it is a packaged one"
        raise PackageError(f"{MANIFEST} {wrong}", "Run ./inv bump to write it anew.")
    return dict(manifest)


def dump(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as YAML, in the order of its keys."""
    return yaml.safe_dump(dict(manifest), sort_keys=False, allow_unicode=True, width=1000).encode()


def sources(folder: Path, *, stack: str | None, cached: bool, fetch: Fetch) -> list[Source]:
    """Return what goes into a zip, in its order; `fetch` gives the local file of a dependency."""
    manifest = read_manifest(folder)
    rows = [
        row for row in manifest["dependencies"] if stack is None or stack in row.get("cf_stacks", [stack])
    ]
    dependencies = [_dependency(row) for row in rows]
    packed = _packed_manifest(manifest, rows, dependencies, stack=stack, cached=cached)
    included = [_file(folder, name, packed) for name in _names(manifest)]
    _require_no_strays(folder, {source.name for source in included})
    if not cached:
        return included
    held = [
        Source(name=one.place, mode=0o644, content=fetch(one), digest=one.sha256)
        for one in {one.place: one for one in dependencies}.values()
    ]
    return [*included, *held]


def package(
    folder: Path,
    version: str,
    *,
    stack: str | None,
    cached: bool,
    epoch: int,
    into: Path,
    fetch: Fetch,
    advance: zips.Advance = lambda _: None,
) -> Path:
    """Write the zip into a folder and return its path; the same arguments give the same bytes."""
    path = into / zip_name(read_manifest(folder), version, stack=stack, cached=cached)
    zips.write(path, sources(folder, stack=stack, cached=cached, fetch=fetch), epoch, advance)
    return path


def expected_entries(
    folder: Path, *, stack: str | None, cached: bool, fetch: Fetch
) -> list[tuple[str, int, str]]:
    """Return (path, mode, digest) of what the zip must hold, sorted, without writing it."""
    planned = sources(folder, stack=stack, cached=cached, fetch=fetch)
    return sorted((one.name, one.mode, one.digest or _digest(one.content)) for one in planned)


def _digest(content: Path | bytes) -> str:
    data = content if isinstance(content, bytes) else content.read_bytes()
    return hashlib.sha256(data).hexdigest()


def _dependency(row: Mapping[str, Any]) -> Dependency:
    return Dependency(**{key: str(row[key]) for key in ("name", "version", "uri", "sha256")})


def _packed_manifest(
    manifest: Mapping[str, Any],
    rows: list[dict[str, Any]],
    dependencies: list[Dependency],
    *,
    stack: str | None,
    cached: bool,
) -> bytes:
    kept = [{key: value for key, value in row.items() if stack is None or key != "cf_stacks"} for row in rows]
    for row, dependency in zip(kept, dependencies, strict=True):
        if cached:
            row["file"] = dependency.place
    return dump({**manifest, "dependencies": kept, **({"stack": stack} if stack else {})})


def _names(manifest: Mapping[str, Any]) -> Iterator[str]:
    seen = set()
    for name in manifest["include_files"]:
        parts = PurePosixPath(name).parts
        if name in seen or not parts or parts[0] == "/" or ".." in parts or str(PurePosixPath(name)) != name:
            raise PackageError(
                f"include_files names {name!r}, which cannot be packaged", "Run ./inv bump again."
            )
        seen.add(name)
        yield name


def _file(folder: Path, name: str, manifest: bytes) -> Source:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise PackageError(
            f"include_files names {name}, which is no plain file in {folder.name}", "Mend or remove it."
        )
    content = manifest if name == MANIFEST else path.read_bytes()
    found = CREDENTIALS.search(content)
    if found:
        raise PackageError(f"{name} holds what looks like a credential: {found.group()[:8]!r}…", "Remove it.")
    runs = PurePosixPath(name).parts[0] == "bin" or path.stat().st_mode & 0o100
    return Source(name=name, mode=0o755 if runs else 0o644, content=content)


def files(folder: Path) -> set[str]:
    """Return the path of all that a folder holds but folders; a link to a folder is no folder."""
    there = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in there}


def _require_no_strays(folder: Path, known: set[str]) -> None:
    strays = sorted(files(folder) - known)
    if strays:
        raise PackageError(
            f"{folder.name} holds files that include_files does not name: {', '.join(strays)}", "Remove them."
        )
