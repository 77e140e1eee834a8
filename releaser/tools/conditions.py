"""Whether a store honours `If-None-Match: *`, for PUT and for COPY apart: tried on scratch keys, not assumed.

Some stores honour it on PUT alone, some answer 200 and overwrite, one compares with the source of a copy.
The scratch objects hold the same bytes always, so that trains which try at once do not disturb each other,
and they may stay: no right to delete is needed.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from releaser.errors import StoreError
from releaser.tools.bodies import content_md5
from releaser.tools.connection import Connection

BODY = b"A scratch object of the release train: it shows whether this store refuses to overwrite.\n"
DIGEST = hashlib.sha256(BODY).hexdigest()
REFUSED = ("412", "PreconditionFailed")
TRIES = 3  # the first may create the scratch object, a prune may remove it before the second
UNSUPPORTED = ("NotImplemented", "501", "InvalidArgument", "InvalidRequest", "400", "MethodNotAllowed", "405")


@dataclass(frozen=True)
class Conditions:
    """Finds out, once for each connection, what its store honours; `scratch` is a prefix that ends in /."""

    connection: Connection
    scratch: str

    @cached_property
    def put(self) -> bool:
        """Whether a conditional PUT is refused where the key exists."""
        answers = dict.fromkeys(REFUSED, False) | dict.fromkeys(UNSUPPORTED, True)
        return self._refused("trying a conditional PUT", self._put, answers)

    @cached_property
    def copy(self) -> bool:
        """Whether a conditional COPY is refused where the key exists, and only there."""
        answers = dict.fromkeys(REFUSED, False)
        try:
            refused = self.put and self._refused("trying a conditional COPY", self._copy, answers)
        except StoreError:  # whatever it is that this store wants of a copy: there is another way
            return False
        return refused and self._is_there("copy")  # else it is the source that the store compares with

    def _refused(self, what: str, write: Callable[[], bool], answers: Mapping[str, bool]) -> bool:
        """Return whether one of a few writes of the same thing was refused for being there."""
        return not all(self.connection.call(what, write, answers) for _ in range(TRIES))

    def _is_there(self, name: str) -> bool:
        bucket, key = self.connection.bucket, f"{self.scratch}{name}"
        answers = {"404": None, "NoSuchKey": None}
        found = self.connection.call(
            f"asking for {key}",
            lambda: self.connection.client.head_object(Bucket=bucket, Key=key),
            answers,
        )
        return found is not None

    def _put(self) -> bool:
        self.connection.client.put_object(
            Bucket=self.connection.bucket,
            Key=f"{self.scratch}put",
            Body=BODY,
            ContentType="text/plain",
            ContentMD5=content_md5(BODY, DIGEST),
            Metadata={"sha256": DIGEST},
            IfNoneMatch="*",
        )
        return True

    def _copy(self) -> bool:
        bucket = self.connection.bucket
        self.connection.client.copy_object(
            Bucket=bucket,
            Key=f"{self.scratch}copy",
            CopySource={"Bucket": bucket, "Key": f"{self.scratch}put"},
            IfNoneMatch="*",
        )
        return True
