"""What a staging gives to the buildpack's scripts on this machine: folders, pins, zips, calls of supply."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from releaser import packaging
from releaser.model import BUILDPACK, PINS
from tests import project

ROOT = project.ROOT
SCRIPTS = ROOT / BUILDPACK / "bin"
NAME, VERSION, STACK = project.NAME, "1.2.0", "cflinuxfs4"
PROGRAM = f"#!/bin/sh\necho {NAME} {VERSION}\n".encode() + b"# filler that is cut off\n" * 4000
NOWHERE = "http://127.0.0.1:1/config-server"  # nothing listens there
PATIENT, HASTY = ("WAIT_S=1\n", "STALL_S=15 "), ("WAIT_S=0\n", "STALL_S=1 ")
LIMIT_S = 120


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a script ended and what it said; `said` is both streams."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The folders of one staging, all below `folder`, and the buildpack that is used in it."""

    folder: Path
    buildpack: Path
    name: str = NAME
    index: str = "0"
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def build(self) -> Path:
        return self.folder / "app"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def deps(self) -> Path:
        return self.folder / "contents" / "deps"

    @property
    def installed(self) -> tuple[Path, Path]:
        """Where the program has to be afterwards: for PATH, and for the manifest's `./config-server`."""
        return self.deps / self.index / "bin" / self.name, self.build / self.name

    def files(self) -> set[str]:
        """Return all that is there of the app, the cache and the deps, folders left out."""
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }

    def start(self, script: str = "bin/supply") -> subprocess.Popen[bytes]:
        """Start a script of the buildpack, leader of its own process group."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.env}
        pipe = subprocess.PIPE
        argv: list[str | Path] = [self.buildpack / script, self.build, self.cache, self.deps, self.index]
        return subprocess.Popen(argv, env=environment, stdout=pipe, stderr=pipe, start_new_session=True)

    def supply(self, script: str = "bin/supply") -> Done:
        """Run a script of the buildpack to its end."""
        return end(self.start(script))


def end(process: subprocess.Popen[bytes]) -> Done:
    """Wait for a script; one that hangs is killed with all that it started, and fails the test."""
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Done(code=process.returncode, out=out.decode(), err=err.decode())


def staging(folder: Path, buildpack: Path, **changes: str) -> Staging:
    """Make the folders of a staging as the platform does."""
    made = replace(Staging(folder=folder, buildpack=buildpack), **changes)  # type: ignore[arg-type]
    for path in (made.build, made.cache, made.deps / made.index):
        path.mkdir(parents=True)
    return made


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def unreleased(folder: Path, *, impatient: bool = True) -> Path:
    """Copy the buildpack's scripts; an impatient copy waits neither between attempts nor long for a stall."""
    shutil.copytree(SCRIPTS, folder / "bin")
    if impatient:
        supply = folder / "bin" / "supply"
        text = supply.read_text()
        for patient, hasty in zip(PATIENT, HASTY, strict=True):
            assert text.count(patient) == 1, patient
            text = text.replace(patient, hasty)
        supply.write_text(text)
    return folder


def pin(
    buildpack: Path, url: str, sha256: str = digest(PROGRAM), *, name: str = NAME, version: str = VERSION
) -> Path:
    """Write the pins as a release does (releaser.pins)."""
    named = {"name": name, "version": version}
    scripts = sorted(f"bin/{path.name}" for path in (buildpack / "bin").iterdir())
    manifest = {
        "language": name,
        "default_versions": [named],
        "dependencies": [{**named, "uri": url, "sha256": sha256, "cf_stacks": [STACK]}],
        "include_files": sorted([*scripts, *PINS]),
    }
    (buildpack / ".downloadurl").write_text(f"{url}#sha256={sha256}\n")
    (buildpack / ".version").write_text(f"{version}\n")
    (buildpack / "VERSION").write_text(f"{version}\n")
    (buildpack / "manifest.yml").write_bytes(packaging.dump(manifest))
    return buildpack


def packaged(
    buildpack: Path, into: Path, *, cached: bool, program: Path | None = None, stack: str | None = STACK
) -> Path:
    """Package a pinned buildpack as a release does, and unpack the zip as the platform does."""
    if program is None:
        program = into.with_name(f"{into.name}-program")
        program.write_bytes(PROGRAM)
    zipped = packaging.package(
        buildpack,
        VERSION,
        stack=stack,
        cached=cached,
        epoch=0,
        into=into.with_name(f"{into.name}-zips"),
        fetch=lambda _: program,
    )
    with zipfile.ZipFile(zipped) as archive:
        for entry in archive.infolist():
            Path(archive.extract(entry, into)).chmod(entry.external_attr >> 16 & 0o777)
    return into


def held(buildpack: Path) -> Path:
    """Return where an unpacked cached buildpack holds the program."""
    found = re.search(r"^ +file: (\S+)$", (buildpack / "manifest.yml").read_text(), re.MULTILINE)
    assert found, "it is not a cached one"
    return buildpack / found[1]
