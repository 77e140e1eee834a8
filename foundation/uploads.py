"""Multipart uploads: one file goes straight to disk, digested on the way, small fields stay in memory."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from foundation.errors import bad_request, too_large

FIELD_LIMIT = 8 << 20  # bytes of all fields together


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The part `bits`, and the other parts as text."""

    path: Path
    filename: str | None  # None where there was no such part
    size: int
    sha256: str
    fields: Mapping[str, str]


class Receiver:
    """Takes what the parser finds; the part named `bits` goes to the file."""

    def __init__(self, file: BinaryIO) -> None:
        self.filename: str | None = None
        self.size = 0
        self.complete = False
        self.sha256 = hashlib.sha256()
        self.fields: dict[str, bytearray] = {}
        self._file = file
        self._header = self._value = b""
        self._name = ""

    def parser(self, boundary: bytes) -> MultipartParser:
        """Return a parser that feeds this receiver."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_header,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_end": self._end,
            },
        )

    def _end(self) -> None:
        self.complete = True

    def _begin(self) -> None:
        self._name = ""

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            options = parse_options_header(self._value)[1]
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
            if self._name == "bits":
                given = options.get(b"filename", b"").decode("utf-8", "replace")
                # Clients send the path as they were given it.
                self.filename = PurePosixPath(given.replace("\\", "/")).name
            elif self._name:
                self.fields.setdefault(self._name, bytearray())
        self._header = self._value = b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "bits":
            chunk = data[start:end]
            self.size += len(chunk)
            self.sha256.update(chunk)
            self._file.write(chunk)
        elif self._name:
            self.fields[self._name] += data[start:end]
            if sum(map(len, self.fields.values())) > FIELD_LIMIT:
                raise too_large(FIELD_LIMIT)


async def receive(content_type: str, chunks: AsyncIterator[bytes], path: Path, limit: int) -> Upload:
    """Write the part `bits` of a multipart body to a file; the whole body may have `limit` bytes."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise bad_request("Content-Type must be multipart/form-data with a boundary")
    total = 0
    with path.open("wb") as file:
        receiver = Receiver(file)
        try:
            parser = receiver.parser(options[b"boundary"])
            async for chunk in chunks:
                total += len(chunk)
                if total > limit:
                    raise too_large(limit)
                parser.write(chunk)
            parser.finalize()
            if not receiver.complete:
                raise bad_request("The multipart body ends before its last boundary")
        except FormParserError as error:
            raise bad_request(f"The multipart body cannot be read: {error}") from error
    return Upload(
        path=path,
        filename=receiver.filename,
        size=receiver.size,
        sha256=receiver.sha256.hexdigest(),
        fields={name: bytes(value).decode("utf-8", "replace") for name, value in receiver.fields.items()},
    )
