"""What the zips and binaries must hold: what the record lists and the release commit asks for."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from releaser import packaging
from releaser.errors import VerifyError
from releaser.model import BUILDPACK, Binary
from releaser.tools import go, zips
from releaser.verify import differences
from releaser.verify.differences import Names
from releaser.verify.rows import Row, failed, passed, same
from releaser.verify.subject import Subject
from releaser.verify.written import Zip

SMALL = 1 << 20
SETTINGS = {"CGO_ENABLED": "0", "-trimpath": "true"}


def variants(subject: Subject) -> Iterator[Row]:
    """There is one zip for each stack and variant, and one binary for each target, that sidecar.yml names."""
    config = subject.release.config
    wanted = sorted(f"{stack} {variant}" for stack in config.stacks for variant in config.variants)
    found = sorted(f"{one.stack} {one.variant}" for one in subject.record.zips)
    yield same("variants", "the list of zips", ", ".join(wanted), ", ".join(found))
    targets = ", ".join(sorted(one.target for one in subject.record.binaries))
    yield same("variants", "the list of binaries", ", ".join(sorted(config.go.targets)), targets)


def zip_entries(subject: Subject, one: Zip) -> Iterator[Row]:
    """A zip's entries are those of the record, and those that the commit's files ask for."""
    path = subject.file(one.name)
    found = zips.entries(path)
    here = [(entry.path, entry.mode, entry.digest) for entry in found]
    lines = differences.entries(one.listed(), here, Names("recorded", "found"))
    sizes = {entry.path: entry.size for entry in one.entries}
    lines += [
        f"{entry.path}: recorded {sizes[entry.path]} bytes, found {entry.size}"
        for entry in found
        if sizes.get(entry.path, entry.size) != entry.size
    ]
    if len(one.entries) != len(sizes):
        lines.append("the record lists an entry twice")
    yield _row("entries", f"{one.name} against the record", lines, len(here))
    wanted = packaging.expected_entries(
        _tree(subject) / BUILDPACK, stack=one.stack, cached=one.variant == "cached", fetch=_binary_of(subject)
    )
    lines = differences.entries(wanted, here, Names("in the commit", "found"))
    yield _row("entries", f"{one.name} against {subject.commit[:12]}", lines, len(here))


def _row(check: str, what: str, lines: list[str], count: int) -> Row:
    if lines:
        return failed(check, "\n".join([f"{what}: {len(lines)} differ", *lines]))
    return passed(check, f"{what}: {count} are equal")


def _tree(subject: Subject) -> Path:
    """Return the folder with the commit's files."""
    if not subject.release.source.exists():
        subject.release.world.repository.export(subject.commit, subject.release.source)
    return subject.release.source


def _binary_of(subject: Subject) -> packaging.Fetch:
    """Return what finds the binary that a manifest asks for among those of the record."""
    files = {one.sha256: one.name for one in subject.record.binaries}

    def fetch(dependency: packaging.Dependency) -> Path:
        if dependency.sha256 not in files:
            raise VerifyError(f"the manifest's {dependency.uri} is no binary of the record")
        return subject.file(files[dependency.sha256])

    return fetch


def zip_version(subject: Subject, one: Zip) -> Iterator[Row]:
    """A zip's name, VERSION, .version and manifest say the same version."""
    version = subject.release.version
    held = _held(subject.file(one.name), ("VERSION", ".version", packaging.MANIFEST))
    manifest = yaml.safe_load(held.get(packaging.MANIFEST, b"{}"))
    name = packaging.zip_name(manifest, version, stack=one.stack, cached=one.variant == "cached")
    yield same("version", "the zip's name", name, one.name)
    for file in ("VERSION", ".version"):
        yield same("version", f"{file} in {one.name}", version, held.get(file, b"").decode().strip())
    said = {str(row["version"]) for row in (*manifest["default_versions"], *manifest["dependencies"])}
    yield same("version", f"the manifest's version in {one.name}", version, ", ".join(sorted(said)))
    yield same("version", f"the manifest's stack in {one.name}", one.stack, manifest.get("stack"))


def _held(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return small files of a zip; those that are not there are left out."""
    with zipfile.ZipFile(path) as archive:
        there = {info.filename: info for info in archive.infolist() if info.file_size <= SMALL}
        return {name: archive.read(there[name]) for name in names if name in there}


def binaries(subject: Subject) -> Iterator[Row]:
    """Each binary was made by the recorded Go for its target, and carries the version.

    It is read and never run: what was downloaded is not trusted yet. Its bytes are those of the source where
    --rebuild says so, which also asks it for its version.
    """
    release = subject.release
    program = go.find(release.world.config.go.version)
    for one in subject.record.binaries:
        path = subject.file(one.name)
        info = go.build_info(program, path)
        system, _, architecture = one.target.partition("/")
        yield same("binary", f"the Go of {one.name}", subject.record.go, info.go)
        for name, value in {"GOOS": system, "GOARCH": architecture, **SETTINGS}.items():
            yield same("binary", f"{name} of {one.name}", value, info.settings.get(name))
        if release.version.encode() in path.read_bytes():
            yield passed("binary", f"{one.name} carries the version {release.version}")
        else:
            yield failed("binary", f"{one.name} does not carry the version {release.version}")


def place(subject: Subject) -> Iterator[Row]:
    """Put the binaries where the pins are computed from, and see that their keys are the train's own."""
    _tree(subject)
    for one in subject.record.binaries:
        path = subject.release.binary_path(one.target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(subject.file(one.name).read_bytes())
        key = subject.release.binary_key(Binary(one.target, path, one.sha256))
        yield same("record", f"the key of {one.target}", key, one.key)
