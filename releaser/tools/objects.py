"""Reading a bucket: what lies there, its bytes, and whether they are what was put."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from releaser.errors import StoreError
from releaser.tools.bodies import CHUNK, Advance
from releaser.tools.connection import Connection

ABSENT: Mapping[str, Any] = {"404": None, "NoSuchKey": None}
UNTOLD = "UNTOLD"  # a HEAD has no body that could say why it is refused
DENIED = "DENIED"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the bucket says of an object: size in bytes and the sha256 that was put with it, if any."""

    key: str
    size: int
    digest: str | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A row of a listing."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Reader(Connection):
    """A bucket to read."""

    def head(self, key: str) -> Stored | None:
        """Return what is stored under a key, or None."""
        found = self.call(
            f"asking for {key}",
            lambda: self.client.head_object(Bucket=self.bucket, Key=key),
            {**ABSENT, **dict.fromkeys(("400", "403", "301"), UNTOLD)},
        )
        if found == UNTOLD:
            found = self._get(key, lambda answer: answer["Body"].close())
        return None if found is None else _stored(key, found)

    def list(self, prefix: str) -> "list[Listed]":
        """Return a row for every key below a prefix, sorted by key."""
        pages = self.client.get_paginator("list_objects_v2")
        found = self.call(f"listing {prefix}", lambda: [*pages.paginate(Bucket=self.bucket, Prefix=prefix)])
        rows = (
            Listed(key=entry["Key"], size=entry["Size"], modified=entry["LastModified"])
            for page in found
            for entry in page.get("Contents", [])
        )
        return sorted(rows, key=lambda row: row.key)

    def read(self, key: str) -> bytes | None:
        """Return a small object's bytes, or None; raises StoreError where they are not what was put."""
        content = b""

        def take(answer: Any) -> None:
            nonlocal content
            content = bytes(answer["Body"].read())

        found = self._get(key, take)
        if found is None:
            return None
        actual, expected = hashlib.sha256(content).hexdigest(), _stored(key, found).digest
        if expected not in (None, actual):
            raise self._damaged(key, actual, str(expected))
        return content

    def digest_of(self, key: str) -> str | None:
        """Return the sha256 of the bytes that the store gives for a key, or None where there are none."""
        actual = hashlib.sha256()

        def take(answer: Any) -> None:
            nonlocal actual
            actual = hashlib.sha256()
            for chunk in answer["Body"].iter_chunks(CHUNK):
                actual.update(chunk)

        return None if self._get(key, take) is None else actual.hexdigest()

    def require_stored(self, key: str, digest: str) -> None:
        """Read the object back, all of it, and raise StoreError where it is not what is about to be named."""
        actual = self.patience.until(lambda: self.digest_of(key))
        if actual is None:
            raise self._lost(key)
        if actual != digest:
            raise self._damaged(key, actual, digest)

    def download(self, key: str, into: Path, digest: str, advance: Advance) -> None:
        """Read an object into a file, whole and with the expected sha256, or raise StoreError."""
        scratch = into.with_name(into.name + ".part")
        into.parent.mkdir(parents=True, exist_ok=True)

        def act() -> str:
            return _receive(self.client.get_object(Bucket=self.bucket, Key=key)["Body"], scratch, advance)

        try:
            actual = self.call(f"reading {key}", act)
            if actual != digest:
                raise self._damaged(key, actual, digest)
            scratch.replace(into)
        finally:
            scratch.unlink(missing_ok=True)

    def _get(self, key: str, take: Callable[[Any], None]) -> Any:
        """Return GET's answer, its body taken, or None where the key does not exist.

        A store may deny what does not exist to who may list only below a prefix; the list then decides.
        """

        def act() -> Any:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            take(answer)
            return answer

        found = self.call(f"reading {key}", act, {**ABSENT, "AccessDenied": DENIED})
        if found != DENIED:
            return found
        if not self._is_listed(key):
            return None
        return self.call(f"reading {key}", act)  # denied again, and said so

    def _is_listed(self, key: str) -> bool:
        found = self.call(
            f"listing {key}",
            lambda: self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1),
        )
        return any(entry["Key"] == key for entry in found.get("Contents", []))

    def _damaged(self, key: str, actual: str, expected: str) -> StoreError:
        return StoreError(
            f"{key} in bucket '{self.bucket}' has the digest {actual}, not {expected}",
            "It was damaged or replaced. Look at the bucket's history before releasing again.",
        )

    def _lost(self, key: str) -> StoreError:
        return StoreError(
            f"{self.place} took {key}, and does not have it",
            "Nothing names it yet. Look at the store's health, and run the same command again.",
        )


def _stored(key: str, answer: Mapping[str, Any]) -> Stored:
    # Some stores give the metadata's names back in capitals of their own.
    metadata = {name.lower(): value for name, value in answer.get("Metadata", {}).items()}
    return Stored(key=key, size=answer["ContentLength"], digest=metadata.get("sha256"))


def _receive(body: Any, scratch: Path, advance: Advance) -> str:
    """Write a body to a file and return its sha256; one that breaks off takes its progress back."""
    actual, told = hashlib.sha256(), 0
    try:
        with scratch.open("wb") as file:
            for chunk in body.iter_chunks(CHUNK):
                file.write(chunk)
                actual.update(chunk)
                advance(len(chunk))
                told += len(chunk)
    except BaseException:
        advance(-told)
        raise
    return actual.hexdigest()
