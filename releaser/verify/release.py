"""`./inv verify VERSION`: all of a published release against git and bucket, with every failure."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from releaser.errors import TrainError
from releaser.model import World
from releaser.tools.ed25519 import Public as Key
from releaser.verify import contents, documents, history, objects, proof, subject
from releaser.verify.rows import Row, collect, failed
from releaser.verify.subject import Subject

REMEDY = (
    "Do not install it. Somebody changed git or the bucket after the release, or the release is not whole: "
    "./inv status says what is missing, and ./inv release finishes it."
)

# In this order: what is read first is what the later ones look at.
CHECKS: Mapping[str, Callable[[Subject], Iterator[Row]]] = {
    "object": objects.read,
    "others": objects.read_others,
    "record": proof.record,
    "tag": history.tag,
    "main": history.main,
    "source": history.source,
    "binaries": contents.place,
    "pins": history.tree,
    "variants": contents.variants,
    "binary": contents.binaries,
    "sbom": documents.check,
    "checksums": objects.checksums,
    "listing": objects.listed,
    "claim": objects.claim,
    "statement": proof.provenance,
    "signature": proof.signatures,
    "acceptance": proof.accepted,
}


def check(world: World, version: str, key: Key | None) -> list[Row]:
    """Return a row for each thing that was looked at; `key` is who must have signed, if that is known.

    Raises TrainError only where the remote cannot be reached at all.
    """
    world.repository.fetch()
    try:
        with subject.opened(world, version, key) as opened:
            return list(_rows(opened))
    except TrainError as error:
        return [failed("record", error.message)]


def _rows(opened: Subject) -> Iterator[Row]:
    for name, look in CHECKS.items():
        yield from collect(name, partial(look, opened))
    for one in opened.record.zips:
        yield from collect("entries", partial(contents.zip_entries, opened, one))
        yield from collect("version", partial(contents.zip_version, opened, one))
