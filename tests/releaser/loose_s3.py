"""A small S3 on loopback whose promises a test decides: which conditions it honours, what it answers first.

For what no real server at hand does when asked: overwriting, comparing with a copy's source, forgetting.
"""

import hashlib
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from releaser.tools.patience import Patience
from releaser.tools.s3 import Keys, Store
from tests.releaser.web import Answer, Asked, Server, serve

Promise = Literal["honours", "ignores", "compares the source", "lacks", "denies"]
BUCKET = "b"


def refusal(status: int, code: str, **more: str) -> Answer:
    """Return an error as S3 writes it."""
    rows = "".join(f"<{name}>{value}</{name}>" for name, value in {"Code": code, **more}.items())
    return Answer(status=status, body=f"<Error>{rows}<Message>In its words</Message></Error>".encode())


@dataclass(kw_only=True)
class Loose:
    """The server's objects, what it promises, and what it answers before it does anything."""

    put: Promise = "honours"
    copy: Promise = "honours"
    first: list[Answer | None] = field(default_factory=list)  # None: the answer is lost after the deed
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    server: Server = field(init=False)

    def answer(self, asked: Asked) -> Answer:
        """Answer as told, and after that as an S3 does."""
        if self.first:
            told = self.first.pop(0)
            if told is not None:
                return told
            self._act(asked)
            return Answer(status=0)
        return self._act(asked)

    def _act(self, asked: Asked) -> Answer:
        key = urllib.parse.unquote(urllib.parse.urlsplit(asked.path).path).removeprefix(f"/{BUCKET}/")
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if asked.method == "PUT":
            source = headers.get("x-amz-copy-source")
            return self._put(key, asked.body, headers) if source is None else self._copy(key, source, headers)
        if key not in self.objects:
            return refusal(404, "NoSuchKey")
        body, metadata = self.objects[key]
        if asked.method == "HEAD":
            return Answer(headers={**metadata, "Content-Length": str(len(body))})
        return Answer(body=body, headers=metadata)

    def _put(self, key: str, body: bytes, headers: dict[str, str]) -> Answer:
        refused = self._refused(self.put, headers, key in self.objects)
        if refused:
            return refused
        kept = {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
        self.objects[key] = (body, kept)
        return Answer(headers={"ETag": f'"{hashlib.sha256(body).hexdigest()}"'})

    def _copy(self, key: str, source: str, headers: dict[str, str]) -> Answer:
        compared = self.copy == "compares the source" or key in self.objects
        refused = self._refused(self.copy, headers, compared)
        if refused:
            return refused
        self.objects[key] = self.objects[urllib.parse.unquote(source).removeprefix(f"{BUCKET}/")]
        return Answer(body=b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")

    @staticmethod
    def _refused(promise: Promise, headers: dict[str, str], there: bool) -> Answer | None:
        if "if-none-match" not in headers or promise == "ignores":
            return None
        if promise == "lacks":
            return refusal(501, "NotImplemented")
        if promise == "denies":
            return refusal(403, "AccessDenied")
        return refusal(412, "PreconditionFailed") if there else None

    def store(self, *, attempts: int = 4, **how: object) -> Store:
        """Return our store code before this server; it tries again without waiting."""
        keys = Keys(access_key_id="k", secret_access_key="s")
        patience = Patience(attempts=attempts, first=0.0)
        return Store(self.server.url, "us-east-1", BUCKET, keys, patience=patience, **how)  # type: ignore[arg-type]

    def asked(self, method: str, key: str) -> int:
        """Return how often it was asked for a key."""
        return len(
            [one for one in self.server.asked if (one.method, one.path) == (method, f"/{BUCKET}/{key}")]
        )


@contextmanager
def loose(put: Promise = "honours", copy: Promise = "honours") -> Iterator[Loose]:
    """Run such a server."""
    made = Loose(put=put, copy=copy)
    with serve(made.answer) as server:
        made.server = server
        yield made
