"""The pins: the generated files by which the buildpack knows its version and its binary."""

from collections.abc import Mapping
from pathlib import Path

from releaser import packaging, version
from releaser.model import BUILDPACK, CHANGELOG, PINS, Binary, Release
from releaser.tools import cliff

TARGET = "linux/amd64"  # what Cloud Foundry's stacks run


def of(release: Release) -> Mapping[str, bytes]:
    """Return every pin of the release: path in the repository to exact content."""
    binary = next(one for one in release.binaries() if one.target == TARGET)
    url = release.world.public.url(release.binary_key(binary))
    inside = {
        ".downloadurl": f"{url}#sha256={binary.digest}\n".encode(),
        ".version": f"{release.version}\n".encode(),
        "VERSION": f"{release.version}\n".encode(),
        "manifest.yml": packaging.dump(_manifest(release, binary, url)),
    }
    return {f"{BUILDPACK}/{name}": content for name, content in inside.items()} | {
        CHANGELOG: _changelog(release)
    }


def _manifest(release: Release, binary: Binary, url: str) -> Mapping[str, object]:
    named = {"name": release.name, "version": release.version}
    return {
        "language": release.name,
        "default_versions": [named],
        "dependencies": [
            {**named, "uri": url, "sha256": binary.digest, "cf_stacks": list(release.config.stacks)}
        ],
        "include_files": _files(release.source / BUILDPACK),
    }


def _files(folder: Path) -> list[str]:
    return sorted(packaging.files(folder) | set(PINS))


def _changelog(release: Release) -> bytes:
    """Return the changelog that the release commit has, where there is one; else made of the history.

    An older release, whose merge request was merged late, may have got its tag in between: the history then
    tells another story than when the commit was made and accepted.
    """
    commit = release.commit()
    there = commit and release.world.repository.read(commit, CHANGELOG)
    return there or _of_history(release)


def _of_history(release: Release) -> bytes:
    world, source = release.world, release.facts.source
    tags = version.own_tags(world, source)
    skipped = version.uncounted(world, source)
    return cliff.changelog(world.repository, source, tags, skipped, release.version).encode()
