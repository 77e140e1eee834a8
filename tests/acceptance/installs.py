"""Makes the candidate's zips usable by apps: as buildpacks of this run's names, or by the URLs they have."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import ConfigError, FoundationError, PackageError
from releaser.model import sha256
from releaser.tools import cf, zips
from tests.acceptance.candidate import Candidate, Zip
from tests.acceptance.run import Run

FINAL = "ruby_buildpack"
STAND_IN = "stand-in-sha256"  # the annotation that tells our stand-in from the platform's own buildpack
INSTALLED, BY_URL = "installed", "by the URLs of the zips, which anybody reads with these digests"


@dataclass(frozen=True, kw_only=True)
class Final:
    """The final buildpack: its name on the foundation, and what it is, in words."""

    name: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Installed:
    """How manifests name the candidate's zips, by (variant, stack), and the final buildpack.

    `mode` says in words how the zips get there; `binary` whether there is a binary_buildpack.
    """

    names: Mapping[tuple[str, str], str]
    final: Final
    mode: str
    binary: bool

    def finals(self, named: Iterable[str]) -> list[str]:
        """Return what stands behind ours in a fixture's manifest, by the names of this foundation."""
        return [self.final.name if name == FINAL else name for name in named]


def install(run: Run) -> Installed:
    """Verify every zip that a row or the offline proof needs, and let apps use it."""
    if "git" in run.candidate.ways and run.candidate.git is None:
        raise ConfigError("`git` is among the ways, but the candidate has no git URL", "Set git.public_url.")
    wanted = _wanted(run.candidate)
    unique = {one.key: one for one in wanted.values()}
    for one in unique.values():
        verify(one)
    final = _find_final(run)
    if run.candidate.creates_buildpacks:
        names, mode = {key: _create(run, one) for key, one in unique.items()}, INSTALLED
    else:
        names, mode = {key: _url(run.candidate, one) for key, one in unique.items()}, BY_URL
    return Installed(
        names={key: names[one.key] for key, one in wanted.items()},
        final=final,
        mode=mode,
        binary=any(one.ready for one in cf.find_buildpacks(run.session, "binary_buildpack")),
    )


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
    _require(one, one.path.name, sha256(one.path))


def verify_at_its_url(candidate: Candidate, one: Zip) -> None:
    """Raise PackageError where staging would download anything but the zip that the candidate means."""
    _require(one, candidate.public.url(one.key), candidate.public.digest(one.key))


def _require(one: Zip, where: str, found: str) -> None:
    if found != one.sha256:
        raise PackageError(
            f"{where} has the digest {found}, not {one.sha256}",
            "Nothing was accepted; run ./inv package again.",
        )


def _create(run: Run, one: Zip) -> str:
    name = f"{run.mark.name}-{one.variant}"
    cf.install_buildpack(run.session, one.path, name=name, labels=run.mark.labels)
    return name


def _url(candidate: Candidate, one: Zip) -> str:
    verify_at_its_url(candidate, one)
    return candidate.public.url(one.key)


def _find_final(run: Run) -> Final:
    """Return the foundation's ruby_buildpack, else a stand-in, installed where none is there."""
    records = [one for one in cf.find_buildpacks(run.session, FINAL) if one.ready]
    if any(STAND_IN not in one.annotations for one in records):
        return Final(name=FINAL, words="the foundation's own")
    with tempfile.TemporaryDirectory(prefix="acceptance-") as scratch:
        path = Path(scratch) / f"{FINAL}.zip"
        digest = _pack_stand_in(run.candidate.ruby_buildpack, path)
        there = any(one.annotations[STAND_IN] == digest for one in records)
        name = FINAL if there else _install_final(run, path, digest)
    return Final(name=name, words=f"a stand-in, sha256 {digest[:12]}")


def _install_final(run: Run, path: Path, digest: str) -> str:
    """Install the stand-in; where others push too, under a name of this run's."""
    if not run.candidate.creates_buildpacks:
        raise FoundationError(
            f"{run.session.api} has no {FINAL}, and foundation.create_buildpacks is false",
            "Ask an operator to install it, or use a user who may.",
        )
    shared = run.candidate.shared
    name, labels = (f"{run.mark.name}-final", run.mark.labels) if shared else (FINAL, None)
    cf.install_buildpack(run.session, path, name=name, annotations={STAND_IN: digest}, labels=labels)
    return name


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
