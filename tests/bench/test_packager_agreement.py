"""The official buildpack-packager's zips and ours unpack to the same tree.

Both package the same folder: this repository's own buildpack with pins as a release writes them. What may
differ in the trees is in DIFFERENCES, and each of them is required to be there: were it gone, the list would
be wrong. The zips' bytes differ besides: the official ones carry the time of packaging, and all is deflated.
"""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import packager
from releaser import packaging
from releaser.errors import PackageError
from releaser.packaging import Dependency
from releaser.tools import shell

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "buildpack" / "bin"
VERSION = "1.20.0"
STACKS = ("cflinuxfs4", "cflinuxfs5")
EPOCH = 1767225600
PROGRAM, EXTRA = b"\x7fELF\0" * 40_000, b"only for the newer stack\n"


def _same_yaml(ours: bytes, theirs: bytes) -> bool:
    mine, other = yaml.safe_load(ours), yaml.safe_load(theirs)
    return bool(mine == other)


DIFFERENCES: Mapping[str, Callable[[bytes, bytes], bool]] = {
    # written anew from -version, without the line's end
    "VERSION": lambda ours, theirs: ours == theirs + b"\n",
    # keys sorted, strings quoted in another way
    "manifest.yml": _same_yaml,
}


@dataclass(frozen=True, kw_only=True)
class Buildpacks:
    """Two equal buildpack folders, one for each packager, and the dependencies that both take."""

    ours: Path
    theirs: Path
    cache: Path


@pytest.fixture
def buildpacks(tmp_path: Path) -> Buildpacks:
    cache = tmp_path / "cache"
    rows = [
        _dependency(cache, "config-server", PROGRAM, STACKS),
        _dependency(cache, "extra", EXTRA, STACKS[1:]),
    ]
    for name in ("ours", "theirs"):
        _lay_out(tmp_path / name, rows)
    return Buildpacks(ours=tmp_path / "ours", theirs=tmp_path / "theirs", cache=cache)


def _dependency(cache: Path, name: str, content: bytes, stacks: Sequence[str]) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    named = {"name": name, "version": VERSION}
    uri = f"https://releases.example.com/{name}/{VERSION}/{name}-linux-amd64-{digest[:12]}"
    path = cache / Dependency(**named, uri=uri, sha256=digest).place
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return {**named, "uri": uri, "sha256": digest, "cf_stacks": list(stacks)}


def _lay_out(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    shutil.copytree(SCRIPTS, folder / "bin")
    for script in (folder / "bin").iterdir():
        script.chmod(0o755)
    (folder / ".version").write_text(f"{VERSION}\n")
    (folder / "VERSION").write_text(f"{VERSION}\n")
    (folder / ".downloadurl").write_text(f"{rows[0]['uri']}#sha256={rows[0]['sha256']}\n")
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    manifest = {
        "language": "config-server",
        "default_versions": [{"name": "config-server", "version": VERSION}],
        "dependencies": list(rows),
        "include_files": [*there, "manifest.yml"],
    }
    (folder / "manifest.yml").write_bytes(packaging.dump(manifest))


def _ours(given: Buildpacks, out: Path, stack: str | None, *, cached: bool) -> Path:
    return packaging.package(
        given.ours,
        VERSION,
        stack=stack,
        cached=cached,
        epoch=EPOCH,
        into=out,
        fetch=lambda dependency: given.cache / dependency.place,
    )


def _theirs(program: Path, given: Buildpacks, stack: str | None, *, cached: bool) -> Path:
    words = packager.command(program, VERSION, stack=stack, cache=given.cache if cached else None)
    shell.run(words, cwd=given.theirs)
    (made,) = given.theirs.glob("*.zip")
    return made


def _tree(path: Path) -> dict[str, tuple[int, bytes]]:
    """Return a zip's files in their order: type and permission bits, and the content."""
    with zipfile.ZipFile(path) as archive:
        return {one.filename: (one.external_attr >> 16, archive.read(one)) for one in archive.infolist()}


@pytest.mark.parametrize("cached", [False, True], ids=["uncached", "cached"])
@pytest.mark.parametrize("stack", [*STACKS, None], ids=str)
def test_the_official_zip_and_ours_hold_the_same_files_but_for_the_listed_differences(
    official: Path, buildpacks: Buildpacks, tmp_path: Path, stack: str | None, cached: bool
) -> None:
    mine = _ours(buildpacks, tmp_path / "out", stack, cached=cached)
    other = _theirs(official, buildpacks, stack, cached=cached)
    ours, theirs = _tree(mine), _tree(other)
    assert mine.name == other.name
    assert list(ours) == list(theirs)
    assert {path: mode for path, (mode, _) in ours.items()} == {p: mode for p, (mode, _) in theirs.items()}
    differing = {path for path in ours if ours[path] != theirs[path]}
    assert differing == set(DIFFERENCES)
    for path, holds in DIFFERENCES.items():
        assert holds(ours[path][1], theirs[path][1]), path


@pytest.mark.parametrize(("stack", "held"), [(STACKS[0], 1), (STACKS[1], 2), (None, 2)])
def test_a_cached_zip_holds_the_dependencies_of_its_stack_alone(
    official: Path, buildpacks: Buildpacks, tmp_path: Path, stack: str | None, held: int
) -> None:
    zips = (
        _ours(buildpacks, tmp_path / "out", stack, cached=True),
        _theirs(official, buildpacks, stack, cached=True),
    )
    for made in zips:
        assert sum(path.startswith("dependencies/") for path in _tree(made)) == held


def test_a_damaged_dependency_is_refused_by_both(
    official: Path, buildpacks: Buildpacks, tmp_path: Path
) -> None:
    damaged = next(buildpacks.cache.glob("dependencies/*/config-server-*"))
    damaged.write_bytes(PROGRAM + b"!")
    found = hashlib.sha256(PROGRAM + b"!").hexdigest()
    with pytest.raises(PackageError, match=re.escape(f"has the digest {found}")):
        _ours(buildpacks, tmp_path / "out", STACKS[0], cached=True)
    assert not list((tmp_path / "out").iterdir())
    with pytest.raises(Exception, match=f"sha256 mismatch: .* actual sha256 {found}"):
        _theirs(official, buildpacks, STACKS[0], cached=True)
