"""Builds a release again from its tag, and prints what came out: runs alone, in a container without network.

What it is given and what it prints goes between versions of the train: a tag brings its own copy of this.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from releaser import candidate, config, packaging, pins
from releaser.errors import TrainError
from releaser.evidence import toolchain
from releaser.model import BUILDPACK, CONFIGURATION, Facts, Release, World, sha256
from releaser.steps import bump
from releaser.tools import go, shell, zips
from releaser.tools.git import Repository
from releaser.tools.public import Public
from releaser.tools.s3 import Store


def main(order: Mapping[str, Any], scratch: Path) -> Mapping[str, Any]:
    """Compile, bump and package as the train does, but without a bucket, and return digests and entries.

    The program's own tests are left out: they decided whether to release, and change no byte.
    """
    release = _release(order, scratch)
    release.check_out()
    for target in release.config.go.targets:
        _compile(release, target)
    bump.run(release)
    return {
        "tools": toolchain.versions(release),
        "binaries": {one.target: _binary(release, one.path) for one in release.binaries()},
        "pins": {path: content.decode() for path, content in pins.of(release).items()},
        "zips": dict(
            _zip(release, stack, cached=variant == "cached")
            for stack in release.config.stacks
            for variant in release.config.variants
        ),
    }


def _release(order: Mapping[str, Any], scratch: Path) -> Release:
    facts = Facts(**order["facts"])
    repository = Repository(directory=Path(order["repository"]), remote="")
    settings = scratch / CONFIGURATION
    settings.write_bytes(repository.read(facts.source, CONFIGURATION) or b"")
    return Release(
        facts,
        World(
            config=config.with_sections(config.load(settings), order["sections"]),
            store=Store(None, "", ""),  # never asked: nothing here reads or writes a bucket
            environment=order["environment"],
            public=Public(base=order["public"]),
            repository=repository,
            work=scratch / "work",
            cache=scratch / "cache",
            access=None,
            git_url=None,
        ),
    )


def _compile(release: Release, target: str) -> None:
    program, source = go.find(release.config.go.version), release.source / release.config.sidecar.source
    into, cache = release.binary_path(target), release.world.cache
    go.build(program, source, into, target=target, variables=release.variables, cache=cache)


def _binary(release: Release, path: Path) -> Mapping[str, Any]:
    info = go.build_info(go.find(release.config.go.version), path)
    said = {"Go": info.go, "module": info.main.path, **info.settings}
    said |= {f"dependency {one.path}": f"{one.version} {one.sum}" for one in info.dependencies}
    runs = info.settings.get("GOARCH") == go.host().rpartition("/")[2]
    words = shell.run([path, "--version"]).stdout.decode().strip() if runs else None
    return {"sha256": sha256(path), "size": path.stat().st_size, "info": said, "version": words}


def _zip(release: Release, stack: str, *, cached: bool) -> tuple[str, Mapping[str, Any]]:
    path = packaging.package(
        release.source / BUILDPACK,
        release.version,
        stack=stack,
        cached=cached,
        epoch=release.facts.epoch,
        into=release.zips,
        fetch=candidate.local_binary(release),
    )
    return path.name, {"sha256": sha256(path), "entries": [asdict(one) for one in zips.entries(path)]}


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        sys.stdout.write(json.dumps(main(given, Path(tempfile.mkdtemp()))) + "\n")
    except TrainError as error:
        sys.exit(error.message)
