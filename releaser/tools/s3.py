"""The bucket: puts objects that are never overwritten, and sees that the store has them.

Rules from the S3 API: `If-None-Match: *` on a write answers 412 where the key exists; the digest that decides
sameness is ours, in the object's metadata (`sha256`), since an ETag is no digest for every store.
"""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from releaser.errors import OverwriteError, StoreError
from releaser.tools.bodies import Advance, Counted, content_md5
from releaser.tools.conditions import REFUSED, Conditions
from releaser.tools.connection import Keys
from releaser.tools.objects import Listed, Reader, Stored

__all__ = ["Keys", "Listed", "Protection", "Store", "Stored"]

Protection = Literal["conditional", "compare"]


def _untold(_count: int) -> None:
    """Tell no progress."""


@dataclass(frozen=True)
class Store(Reader):
    """A bucket to write; `scratch` is where conditions are tried, `protection` what is allowed without."""

    scratch: str = field(default=".release-train/", kw_only=True)
    protection: Protection = field(default="conditional", kw_only=True)

    @cached_property
    def conditions(self) -> Conditions:
        """What the store honours; asked at most once, when it is first needed."""
        return Conditions(self, self.scratch)

    def remarks(self) -> list[str]:
        """Return what a person should know of how things are put here, where that is not the best way."""
        if not self.conditions.put:
            return [
                f"{self.place} ignores If-None-Match: each key is looked at before it is put, and read back "
                "after (s3.overwrite_protection: compare). Run one train at a time."
            ]
        if not self.conditions.copy:
            return [f"{self.place} has no conditional copy: objects are read and put conditionally instead."]
        return []

    def put_new(
        self, key: str, source: Path | bytes, *, digest: str, kind: str, advance: Advance = _untold
    ) -> bool:
        """Put an object that must not exist; return whether it was put now.

        The same bytes under the key already are fine (False); other bytes raise OverwriteError. `digest` is
        the sha256 of the source, `kind` its content type.
        """
        if not self.conditions.put:
            return self._put_compared(key, source, digest, kind, advance)
        if not self._put(key, source, digest, kind, advance, IfNoneMatch="*"):
            return self._require_same(key, digest)  # or it was put just now, and the answer was lost
        self._require_kept(key, digest)
        return True

    def copy_new(self, origin: str, key: str, *, digest: str, kind: str) -> bool:
        """Put what lies under `origin` under a key that must not exist, as `put_new` does, within the store.

        Where the store has no conditional copy, the bytes come here and go back.
        """
        if not self.conditions.copy:
            return self._carry(origin, key, digest, kind)
        source: Any = {"Bucket": self.bucket, "Key": origin}
        done = self.call(
            f"copying {origin} to {key}",
            lambda: self.client.copy_object(Bucket=self.bucket, Key=key, CopySource=source, IfNoneMatch="*"),
            dict.fromkeys(REFUSED, False),
        )
        if done is not False:
            self._require_kept(key, digest)
            return True
        return self._require_same(key, digest)

    def put(self, key: str, content: bytes, kind: str, *, cache_control: str) -> None:
        """Put an object that may be written again: the release page, and nothing else.

        The caller looks again: another train may have replaced it before it could be asked for here.
        """
        digest = hashlib.sha256(content).hexdigest()
        self._put(key, content, digest, kind, _untold, CacheControl=cache_control)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, one by one: not every store has the call for many."""
        for key in keys:
            self.call(f"deleting {key}", lambda: self.client.delete_object(Bucket=self.bucket, Key=key))  # noqa: B023

    def _put(
        self, key: str, source: Path | bytes, digest: str, kind: str, advance: Advance, **how: Any
    ) -> bool:
        """Put; return False where a condition in `how` is not met."""
        md5 = content_md5(source, digest)

        def act(body: Any) -> bool:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=kind,
                ContentMD5=md5,
                Metadata={"sha256": digest},
                **how,
            )
            return True

        def send() -> bool:
            if isinstance(source, bytes):
                return act(source)
            with source.open("rb") as file:
                return act(Counted(file, advance))

        return bool(self.call(f"putting {key}", send, dict.fromkeys(REFUSED, False)))

    def _put_compared(self, key: str, source: Path | bytes, digest: str, kind: str, advance: Advance) -> bool:
        """Look, put, read back: what can be done without the condition; two trains at once may both put."""
        if self.protection != "compare":
            raise StoreError(
                f"{self.place} ignores If-None-Match on PUT",
                "Such a store cannot promise that nothing is overwritten; use one that honours it, or set "
                "s3.overwrite_protection: compare (docs/publishing.md says what that risks).",
            )
        if self.head(key) is not None:
            return self._require_same(key, digest)
        self._put(key, source, digest, kind, advance)
        self.require_stored(key, digest)
        return True

    def _carry(self, origin: str, key: str, digest: str, kind: str) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            self.download(origin, path, digest, _untold)
            return self.put_new(key, path, digest=digest, kind=kind)

    def _require_same(self, key: str, digest: str) -> bool:
        """Return False where the key holds what was to be put; raises OverwriteError."""
        there = self.patience.until(lambda: self.head(key))
        if there is None:
            raise StoreError(
                f"{self.place} refuses to put {key} as if it were there, and does not show it",
                "Run the same command again. In a versioned bucket, remove the delete marker that hides it.",
            )
        found = there.digest or self.digest_of(key)  # Concourse, for one, puts objects without our metadata
        if found == digest:
            return False
        both = f"there: {found}, here: {digest}"
        raise OverwriteError(
            f"{key} exists in bucket '{self.bucket}' with other bytes ({both})",
            "Nothing published is ever overwritten. Release another version: ./inv release --version X.Y.Z",
        )

    def _require_kept(self, key: str, digest: str) -> None:
        """Ask what the store has of an object that it took."""
        there = self.patience.until(lambda: self.head(key))
        if there is None:
            raise self._lost(key)
        if there.digest != digest:
            raise StoreError(
                f"{self.place} took {key} and says that its sha256 is {there.digest}, not {digest}",
                "It was replaced meanwhile, or the store does not keep metadata (x-amz-meta-sha256).",
            )
