"""The bucket: puts objects that are never overwritten, and reads them back.

Rules from the S3 API: `If-None-Match: *` on PutObject answers 412 where the key exists; the digest that
decides sameness is ours, in the object's metadata (`sha256`), since an ETag is no digest for every store.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from releaser.errors import OverwriteError, StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1 << 20
PROBE = ".release-train/conditional-put"
ABSENT = ("404", "NoSuchKey")
EXISTS = ("412", "PreconditionFailed")
DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "NoCredentialsError")
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Credentials for the bucket; without them boto3's own chain is asked (environment, profile, role)."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the bucket says of an object: size in bytes and the sha256 that was put with it, if any."""

    key: str
    size: int
    digest: str | None


class _Counted:
    """A file that tells how much of it has been read; boto3 goes back to sign it first and to try again."""

    def __init__(self, file: IO[bytes], advance: Advance) -> None:
        self.file = file
        self.advance = advance
        self.position = 0

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self._is_at(self.position + len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._is_at(self.file.seek(offset, whence))
        return self.position

    def tell(self) -> int:
        return self.position

    def _is_at(self, position: int) -> None:
        self.advance(position - self.position)
        self.position = position


@dataclass(frozen=True)
class Store:
    """A bucket at an endpoint; None is AWS itself."""

    endpoint: str | None
    region: str
    bucket: str
    keys: Keys | None = None

    @cached_property
    def client(self) -> "S3Client":
        """The boto3 client; made late, since boto3 is slow to import."""
        import boto3
        from botocore.config import Config

        config = Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if self.endpoint else "auto"},
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=10,
            read_timeout=60,
        )
        keys = self.keys
        session = boto3.Session(
            aws_access_key_id=keys.access_key_id if keys else None,
            aws_secret_access_key=keys.secret_access_key if keys else None,
            region_name=self.region,
        )
        return session.client("s3", endpoint_url=self.endpoint, config=config)

    def _call(self, what: str, action: Callable[[], Any], *, absent: tuple[str, ...] = ()) -> Any:
        """Do an S3 call; None where its error code is among `absent`, StoreError for any other failure."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return action()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in absent:
                return None
            raise StoreError(f"{what}: the store answered {error}", self._remedy(code)) from error
        except BotoCoreError as error:
            raise StoreError(f"{what}: {error}", self._remedy(type(error).__name__)) from error

    def _remedy(self, code: str) -> str:
        where = f"bucket '{self.bucket}' at {self.endpoint or 'AWS'}"
        if code in DENIED:
            return f"Check the credentials (AWS_ACCESS_KEY_ID and the rest) and their rights on {where}."
        return f"Check that {where} can be reached, and run the same command again."

    def head(self, key: str) -> Stored | None:
        """Return what is stored under a key, or None."""
        found = self._call(
            f"asking for {key}",
            lambda: self.client.head_object(Bucket=self.bucket, Key=key),
            absent=ABSENT,
        )
        if found is None:
            return None
        return Stored(key=key, size=found["ContentLength"], digest=found.get("Metadata", {}).get("sha256"))

    def list(self, prefix: str) -> list[str]:
        """Return every key below a prefix, sorted."""
        pages = self.client.get_paginator("list_objects_v2")
        found = self._call(
            f"listing {prefix}", lambda: list(pages.paginate(Bucket=self.bucket, Prefix=prefix))
        )
        return sorted(entry["Key"] for page in found for entry in page.get("Contents", []))

    def read(self, key: str) -> bytes | None:
        """Return a small object's bytes, or None."""
        found = self._call(
            f"reading {key}",
            lambda: bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()),
            absent=ABSENT,
        )
        return None if found is None else bytes(found)

    def put_new(self, key: str, source: Path | bytes, *, digest: str, kind: str, advance: Advance) -> bool:
        """Put an object that must not exist; return whether it was put now.

        The same bytes under the key already are fine (False); other bytes raise OverwriteError. `digest` is
        the sha256 of the source, `kind` its content type.
        """
        if not self.refuses_overwriting:
            raise StoreError(
                f"bucket '{self.bucket}' at {self.endpoint or 'AWS'} ignores If-None-Match on PUT",
                "Such a store cannot promise that nothing is overwritten; use one that honours it.",
            )
        if self._put(key, source, digest, kind, advance):
            return True
        there = self.head(key)
        if there is not None and there.digest == digest:
            return False
        found = there.digest if there else "nothing any more"
        raise OverwriteError(
            f"{key} exists in bucket '{self.bucket}' with other bytes (there: {found}, here: {digest})",
            "Nothing published is ever overwritten. Release another version: ./inv release --version X.Y.Z",
        )

    def _put(self, key: str, source: Path | bytes, digest: str, kind: str, advance: Advance) -> bool:
        """Put conditionally; return False where the key exists."""

        def act(body: Any) -> Any:
            return self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=kind,
                Metadata={"sha256": digest},
                IfNoneMatch="*",
            )

        if isinstance(source, bytes):
            return self._call(f"putting {key}", lambda: act(source), absent=EXISTS) is not None
        with source.open("rb") as file:
            body = _Counted(file, advance)
            return self._call(f"putting {key}", lambda: act(body), absent=EXISTS) is not None

    @cached_property
    def refuses_overwriting(self) -> bool:
        """Whether the store honours the condition: some do not. Asked once, on a scratch key."""
        body = b"A scratch object: proves that this store honours If-None-Match.\n"
        digest = hashlib.sha256(body).hexdigest()
        puts = [self._put(PROBE, body, digest, "text/plain", lambda _: None) for _ in range(2)]
        return not puts[1]

    def download(self, key: str, into: Path, digest: str, advance: Advance) -> None:
        """Read an object into a file, whole and with the expected sha256, or raise StoreError."""
        scratch = into.with_name(into.name + ".part")
        into.parent.mkdir(parents=True, exist_ok=True)
        actual = hashlib.sha256()

        def act() -> None:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with scratch.open("wb") as file:
                for chunk in body.iter_chunks(CHUNK):
                    file.write(chunk)
                    actual.update(chunk)
                    advance(len(chunk))

        try:
            self._call(f"reading {key}", act)
            if actual.hexdigest() != digest:
                raise StoreError(
                    f"{key} in bucket '{self.bucket}' has the digest {actual.hexdigest()}, not {digest}",
                    "It was damaged or replaced. Look at the bucket's history before releasing again.",
                )
            scratch.replace(into)
        finally:
            scratch.unlink(missing_ok=True)
