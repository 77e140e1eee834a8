"""Publishing the accepted release: main, tag, zips and record."""

from releaser import acceptance, candidate, page, placing, publication, report
from releaser.candidate import Ready
from releaser.errors import NotAcceptedError, OverwriteError, StoreError
from releaser.model import Release
from releaser.publication import Object


def skip(_release: Release) -> str | None:
    """Never skip: an accepted candidate is published."""
    return None


def find(release: Release) -> str | None:
    """Return the tag and the record's URL where main, tag, objects, record and page agree."""
    world = release.world
    world.repository.fetch()
    ready = candidate.ready(release)
    if ready is None or not placing.is_placed(release, ready.commit):
        return None
    commit = placing.tagged(release, ready.commit) or ready.commit
    if any(_digest(release, one) != one.digest for one in _objects(release, ready, commit)):
        return None
    if not page.find(world):
        return None
    return f"{release.tag} on {commit[:12]}\n{world.public.url(release.record_key)}"


def run(release: Release) -> None:
    """Verify what was accepted, push main and tag at once, then publish those bytes, the record last."""
    release.world.repository.fetch()
    ready = candidate.ready(release)
    if ready is None:
        raise NotAcceptedError(f"{release.ready_key} is not in the bucket", "Run ./inv package first.")
    place = placing.decide(release, ready.commit)
    made = _objects(release, ready, place.tagged or ready.commit)
    _require_free(release, made)
    for one in made:
        if one.origin is not None:
            release.world.store.require_stored(one.origin, one.digest)
    commit = placing.put(release, ready.commit)
    _publish(release, _objects(release, ready, commit))
    report.fact(publication.seal(made))
    page.refresh(release.world)
    for line in release.world.store.remarks():
        report.fact(line)


def _objects(release: Release, ready: Ready, commit: str) -> list[Object]:
    """Return every public object; raises NotAcceptedError where no acceptance of these zips passed."""
    passed = acceptance.passed(release)
    if passed is None:
        name = release.config.foundation.name
        raise NotAcceptedError(f"{release.version} is not accepted on {name}", "Run ./inv accept first.")
    acceptance.require_gate(release, ready, passed)
    return publication.objects(release, ready, passed, commit)


def _digest(release: Release, one: Object) -> str | None:
    """Return the digest that an object was put with, None where there is none."""
    stored = release.world.store.head(one.key)
    return None if stored is None else stored.digest or "none"


def _require_free(release: Release, made: list[Object]) -> None:
    """Stop before anything becomes public where a public name holds other bytes."""
    for one in made:
        there = _digest(release, one)
        if there not in (None, one.digest):
            raise OverwriteError(
                f"{one.key} exists with other bytes (there: {there}, accepted: {one.digest})",
                "Nothing published is ever overwritten. Find out who put it there; release another version.",
            )


def _publish(release: Release, made: list[Object]) -> None:
    """Put each object under its public name, where nothing may lie, and read it back; the record is last.

    Where the record is, everybody may rely on the rest.
    """
    store = release.world.store
    *before, record = made
    for one in before:
        if one.content is None:
            store.copy_new(str(one.origin), one.key, digest=one.digest, kind=one.kind)
        else:
            _put(release, one, one.content)
    for one in before:
        _require_published(release, one)
    _put(release, record, record.content or b"")
    store.require_stored(record.key, record.digest)


def _require_published(release: Release, one: Object) -> None:
    """Read a public object back; one that is damaged is named, since it is never written again."""
    try:
        release.world.store.require_stored(one.key, one.digest)
    except StoreError as error:
        raise StoreError(
            error.message,
            f"Its record is not there yet, so nothing names it. Look at the store's health, remove {one.key} "
            "where it holds other bytes, and run the same command again.",
        ) from error


def _put(release: Release, one: Object, content: bytes) -> None:
    with report.transfer(one.key, one.size) as advance:
        release.world.store.put_new(one.key, content, digest=one.digest, kind=one.kind, advance=advance)
