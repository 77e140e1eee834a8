"""Parts are the same whatever number of threads makes them, and a failure amid them ends the packing."""

import hashlib
import os
import zlib
from collections.abc import Iterator

import pytest

from releaser.tools.packing import Packer, Seen

CHUNKS = [f"{number} bottles of beer\n".encode() * 20_000 for number in range(12)]


def _parts(deflate: bool) -> tuple[list[bytes], Seen]:
    seen = Seen()
    with Packer() as packer:
        return list(packer.parts(CHUNKS, seen, deflate=deflate, advance=lambda _: None)), seen


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_deflated_parts_are_equal_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    expected, _ = _parts(deflate=True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert _parts(deflate=True)[0] == expected


def test_deflated_parts_are_one_stream_of_the_whole() -> None:
    parts, seen = _parts(deflate=True)
    whole = b"".join(CHUNKS)
    inflater = zlib.decompressobj(-15)
    assert inflater.decompress(b"".join(parts)) == whole
    assert inflater.eof
    assert len(b"".join(parts)) < len(whole) / 10
    assert (seen.crc, seen.size) == (zlib.crc32(whole), len(whole))


def test_stored_parts_are_the_chunks_and_hashed_in_their_order() -> None:
    parts, seen = _parts(deflate=False)
    assert parts == CHUNKS
    assert seen.digest.hexdigest() == hashlib.sha256(b"".join(CHUNKS)).hexdigest()


def test_a_file_that_cannot_be_read_on_ends_the_packing() -> None:
    def chunks() -> Iterator[bytes]:
        yield from CHUNKS
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"), Packer() as packer:
        list(packer.parts(chunks(), Seen(), deflate=True, advance=lambda _: None))


def test_no_more_than_a_few_parts_are_in_memory() -> None:
    read: list[int] = []
    with Packer() as packer:
        parts = packer.parts(CHUNKS * 5, Seen(), deflate=True, advance=read.append)
        next(parts)
        assert len(read) <= 6
