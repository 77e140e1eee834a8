"""Uploading the sidecar to the bucket."""

from releaser import claim, report
from releaser.errors import StoreError
from releaser.model import Binary, Release


def skip(_release: Release) -> str | None:
    """Never skip: the pins name what is uploaded."""
    return None


def find(release: Release) -> str | None:
    """Return the objects' URLs where the bucket holds every binary and anybody can read it."""
    binaries = release.binaries()
    if not claim.is_taken(release):
        return None
    for binary in binaries:
        stored = release.world.store.head(release.binary_key(binary))
        if stored is None or stored.digest != binary.digest:
            return None
    for binary in binaries:
        _read_back(release, binary)
    return "\n".join(release.world.public.url(release.binary_key(binary)) for binary in binaries)


def run(release: Release) -> None:
    """Claim the version, then put each binary where nothing lies yet; raises TakenError."""
    claim.take(release)
    for binary in release.binaries():
        key = release.binary_key(binary)
        with report.transfer(binary.path.name, binary.path.stat().st_size) as advance:
            release.world.store.put_new(
                key, binary.path, digest=binary.digest, kind="application/octet-stream", advance=advance
            )
    for remark in release.world.store.remarks():
        report.fact(remark)


def _read_back(release: Release, binary: Binary) -> None:
    """Read the object as staging will, and compare."""
    key = release.binary_key(binary)
    found = release.world.public.digest(key)
    if found != binary.digest:
        raise StoreError(
            f"{release.world.public.url(key)} gives other bytes than were put there "
            f"(digest {found}, expected {binary.digest})",
            "Check that s3.public_url leads to this bucket and that no cache or portal stands between.",
        )
