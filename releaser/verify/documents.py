"""What the SBOM documents must say: the published binaries, and the files of the published zips."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from releaser.evidence.sbom import CACHED
from releaser.verify.rows import Row, failed, passed, same
from releaser.verify.subject import Subject

Held = set[tuple[str, str]]  # name and sha256


def check(subject: Subject) -> Iterator[Row]:
    """There is one document of the sidecar and one of the buildpack, and both name exactly these bytes."""
    name, version = subject.release.name, subject.release.version
    wanted = {name: _binaries(subject), f"{name}_buildpack": _binaries(subject) | _files(subject)}
    files = {f"{product}-{version}.cdx.json": product for product in wanted}
    found = {one.name for one in subject.record.documents}
    yield same("sbom", "the list of documents", ", ".join(sorted(files)), ", ".join(sorted(found)))
    for file in sorted(found & files.keys()):
        yield from _document(subject, file, files[file], wanted[files[file]])


def _document(subject: Subject, file: str, product: str, wanted: Held) -> Iterator[Row]:
    said = json.loads(subject.file(file).read_bytes())
    about = said["metadata"]["component"]
    yield same("sbom", f"what {file} is about", product, about["name"])
    yield same("sbom", f"the version in {file}", subject.release.version, about["version"])
    there = {(str(one["name"]), digest) for one in said["components"] for digest in _digests(one)}
    for name, digest in sorted(wanted - there):
        yield failed("sbom", f"{file} lacks {name} with sha256 {digest}")
    for name, digest in sorted(there - wanted):
        yield failed("sbom", f"{file} names {name} with sha256 {digest}, which the release does not hold")
    if there == wanted:
        yield passed("sbom", f"{file} names the release's {len(wanted)} files with their digests")


def _digests(component: Mapping[str, Any]) -> list[str]:
    return [str(one["content"]) for one in component.get("hashes", ()) if one["alg"] == "SHA-256"]


def _binaries(subject: Subject) -> Held:
    return {(one.name, one.sha256) for one in subject.record.binaries}


def _files(subject: Subject) -> Held:
    """Return the files of all zips; a cached binary is named as what it is, not by its place in the zip."""
    return {
        (entry.path, entry.sha256)
        for one in subject.record.zips
        for entry in one.entries
        if not entry.path.startswith(f"{CACHED}/")
    }
