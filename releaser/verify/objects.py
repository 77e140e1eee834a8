"""What the bucket must hold: every object that the release names, with exactly its bytes, and no other."""

import json
from collections.abc import Iterator

from releaser.errors import TrainError, VerifyError
from releaser.verify.rows import Row, failed, passed, same, warned
from releaser.verify.subject import RECORD, SIGNATURE, SUMS, Subject

CLAIM, YANKED = "source.json", "yanked.json"


def read(subject: Subject) -> Iterator[Row]:
    """Read every object that the record names, as anybody does, and compare digest and size."""
    for name, said in subject.record.files.items():
        found = _save(subject, name)
        if isinstance(found, Row):
            yield found
            continue
        size = subject.file(name).stat().st_size
        if (found, size) == (said.sha256, said.size):
            yield passed("object", f"{name} has {size} bytes with sha256 {found}")
        else:
            expected = f"{said.size} bytes with sha256 {said.sha256}"
            yield failed("object", f"{name} has {size} bytes with sha256 {found}, expected {expected}")


def read_others(subject: Subject) -> Iterator[Row]:
    """Read what the record does not name, but every release has; what is read here is compared elsewhere."""
    signed = [SIGNATURE] if subject.record.signed_by else []
    for name in (SUMS, subject.statement, *signed):
        found = _save(subject, name)
        yield found if isinstance(found, Row) else passed("object", f"{name} is there")


def _save(subject: Subject, name: str) -> str | Row:
    """Write an object to its file and return its digest, or the row that says why that was not possible."""
    key = f"{subject.release.public_prefix}/{name}"
    try:
        subject.digests[name] = subject.release.world.public.save(key, subject.folder / name)
    except TrainError as error:
        return failed("object", error.message)
    return subject.digests[name]


def checksums(subject: Subject) -> Iterator[Row]:
    """SHA256SUMS names exactly the files that the record names, with the record's digests."""
    lines = subject.file(SUMS).read_text(encoding="utf-8").splitlines()
    wanted = sorted(f"{one.sha256}  {name}" for name, one in subject.record.files.items())
    for line in sorted(set(wanted) - set(lines)):
        yield failed("checksums", f"{SUMS} lacks the line '{line}'")
    for line in sorted(set(lines) - set(wanted)):
        yield failed("checksums", f"{SUMS} has the line '{line}', which the record does not ask for")
    if sorted(lines) == wanted:
        yield passed("checksums", f"{SUMS} names the {len(wanted)} files of the record")


def listed(subject: Subject) -> Iterator[Row]:
    """Nothing lies below the version's prefix that nobody named."""
    release, prefix = subject.release, f"{subject.release.public_prefix}/"
    keys = {row.key for row in release.world.store.list(prefix)}
    known = {*subject.record.files, RECORD, SUMS, SIGNATURE, subject.statement, CLAIM, YANKED}
    unknown = sorted(keys - {f"{prefix}{name}" for name in known})
    for key in unknown:
        yield failed("listing", f"{key} belongs to no part of the release")
    if not subject.record.signed_by and f"{prefix}{SIGNATURE}" in keys:
        yield failed("listing", f"{prefix}{SIGNATURE} is there, but the record says that nobody signed")
    if not unknown:
        yield passed("listing", f"the {len(keys)} objects below {prefix} all belong to the release")
    if f"{prefix}{YANKED}" in keys:
        said = json.loads(release.world.store.read(f"{prefix}{YANKED}") or b"{}")
        yield warned("yanked", f"{said.get('date')} by {said.get('by')}: {said.get('reason')}")


def claim(subject: Subject) -> Iterator[Row]:
    """The claim on the version names the record's source."""
    release = subject.release
    raw = release.world.store.read(f"{release.public_prefix}/{CLAIM}")
    if raw is None:
        raise VerifyError(f"{release.public_prefix}/{CLAIM} is missing: nobody claimed the version")
    wanted = {"name": release.name, "version": release.version, "source": subject.record.source}
    yield same("claim", CLAIM, wanted, json.loads(raw))
