"""Installs what the pushes need: the candidate's zips under this run's names, and a final buildpack."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import FoundationError, PackageError
from releaser.model import sha256
from releaser.tools import cf, zips
from tests.acceptance.candidate import Candidate, Zip
from tests.acceptance.run import Run

FINAL = "ruby_buildpack"
STAND_IN = "stand-in-sha256"  # the annotation that tells our stand-in from the platform's own buildpack


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The candidate's buildpacks by (variant, stack); what the final one is; is there a binary_buildpack?"""

    buildpacks: Mapping[tuple[str, str], cf.Buildpack]
    final: str
    binary: bool


def install(run: Run) -> Installed:
    """Verify and install every zip that a row or the offline proof needs."""
    wanted = _wanted(run.candidate)
    made: dict[tuple[str, str | None], cf.Buildpack] = {}
    zips_wanted = {one.path: one for one in wanted.values()}.values()
    for one in zips_wanted:
        verify(one)
    for one in zips_wanted:
        name = f"{run.label}-{one.variant}"
        made[one.variant, one.stack] = cf.install_buildpack(run.session, one.path, name=name)
    final = _ensure_final(run)
    found = {key: made[one.variant, one.stack] for key, one in wanted.items()}
    binary = any(one.ready for one in cf.find_buildpacks(run.session, "binary_buildpack"))
    return Installed(buildpacks=found, final=final, binary=binary)


def _wanted(candidate: Candidate) -> dict[tuple[str, str], Zip]:
    """Return the zips by (variant, stack); a cached one needs the uncached one for its negative control."""
    variants = {way for way in candidate.ways if way != "git"}
    if "cached" in variants:
        variants.add("uncached")
    wanted = {}
    for variant in sorted(variants):
        for stack in candidate.stacks:
            found = candidate.zip(variant, stack)
            if found is None:
                raise PackageError(f"the candidate has no {variant} zip for {stack}", "Run ./inv package.")
            wanted[variant, stack] = found
    return wanted


def verify(one: Zip) -> None:
    """Raise PackageError where a zip is not the one that the candidate means."""
    found = sha256(one.path)
    if found != one.sha256:
        raise PackageError(
            f"{one.path.name} has the digest {found}, not {one.sha256}",
            "Nothing was pushed; run ./inv package again.",
        )


def uninstall(run: Run, installed: Installed, kept: set[str]) -> None:
    """Delete this run's buildpacks but for those that apps which stay up were staged with."""
    for buildpack in {one.guid: one for one in installed.buildpacks.values()}.values():
        if buildpack.name not in kept:
            cf.delete_buildpack(run.session, buildpack)


def _ensure_final(run: Run) -> str:
    """Use the foundation's ruby_buildpack, or install the stand-in; returns words for the report."""
    records = [one for one in cf.find_buildpacks(run.session, FINAL) if one.ready]
    if any(STAND_IN not in one.annotations for one in records):
        return "the foundation's own"
    with tempfile.TemporaryDirectory(prefix="acceptance-") as scratch:
        path = Path(scratch) / f"{FINAL}.zip"
        digest = _pack_stand_in(run.candidate.ruby_buildpack, path)
        if not any(one.annotations[STAND_IN] == digest for one in records):
            cf.install_buildpack(run.session, path, name=FINAL, annotations={STAND_IN: digest})
    return f"a stand-in, sha256 {digest[:12]}"


def _pack_stand_in(folder: Path, into: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise FoundationError(f"the foundation has no {FINAL}, and {folder} is empty", "Install one.")
    sources = [
        zips.Source(
            name=path.relative_to(folder).as_posix(),
            mode=0o755 if path.stat().st_mode & 0o100 else 0o644,
            content=path,
        )
        for path in files
    ]
    zips.write(into, sources, 0)
    return sha256(into)
