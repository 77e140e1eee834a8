"""Reads what is published as anybody would: by URL, without credentials."""

import hashlib
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import requests

from releaser.errors import StoreError
from releaser.tools.patience import Patience

CHUNK = 1 << 20
TIMEOUTS = (10, 60)  # seconds to connect, seconds between two reads


@dataclass(frozen=True, kw_only=True)
class Public:
    """Where the bucket's keys can be read; `resolve` maps host names to addresses, as /etc/hosts does."""

    base: str
    resolve: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = field(default=Patience(attempts=5), compare=False)

    def url(self, key: str) -> str:
        """Return the address of a key."""
        return f"{self.base.rstrip('/')}/{urllib.parse.quote(key)}"

    def digest(self, key: str) -> str:
        """Return the sha256 of what an anonymous reader gets; raises StoreError where that is nothing."""
        return self._read(key, None)

    def save(self, key: str, into: Path) -> str:
        """Write what an anonymous reader gets to a file, and return its sha256; raises StoreError."""
        into.parent.mkdir(parents=True, exist_ok=True)
        return self._read(key, into)

    def _read(self, key: str, into: Path | None) -> str:
        try:
            return self.patience.keep(
                lambda: self._read_once(key, into), _passing, (requests.RequestException,)
            )
        except requests.RequestException as error:
            raise StoreError(
                f"{self.url(key)} cannot be read without credentials: {error}", self._remedy(error)
            ) from error

    def _read_once(self, key: str, into: Path | None) -> str:
        actual = hashlib.sha256()
        with into.open("wb") if into else nullcontext() as file:
            for chunk in self._chunks(self.url(key)):
                actual.update(chunk)
                if file:
                    file.write(chunk)
        return actual.hexdigest()

    def _remedy(self, error: requests.RequestException) -> str:
        status = error.response.status_code if error.response is not None else None
        if status in (401, 403):
            return (
                "Staging reads it as an anonymous user: allow s3:GetObject to everybody on the prefix "
                "(docs/publishing.md has the bucket policy)."
            )
        if status == 404:
            return (
                f"s3.public_url ({self.base}) must lead to the bucket: keys are read at <public_url>/<key>."
            )
        return f"Check that s3.public_url ({self.base}) can be reached from here, and run the command again."

    def _chunks(self, url: str) -> Iterator[bytes]:
        parts = urllib.parse.urlsplit(url)
        address = self.resolve.get(parts.hostname or "")
        headers = {"Accept-Encoding": "identity"}
        if address:
            headers["Host"] = parts.netloc
            netloc = f"{address}:{parts.port}" if parts.port else address
            url = urllib.parse.urlunsplit(parts._replace(netloc=netloc))
        with _Anonymous() as session:
            session.trust_env = not address
            session.auth = _anonymous
            with session.get(url, headers=headers, timeout=TIMEOUTS, stream=True) as answer:
                answer.raise_for_status()
                yield from answer.iter_content(CHUNK)


class _Anonymous(requests.Session):
    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take no credentials out of ~/.netrc after a redirect either."""


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from taking credentials out of ~/.netrc."""
    return request


def _passing(error: Exception) -> str | None:
    """Return why to read again: a store may show a write late, and denies what it does not show yet."""
    if isinstance(error, requests.exceptions.SSLError):
        return None
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return f"it answers {status}" if status in (403, 404, 408, 429) or status >= 500 else None
    lost = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return f"it cannot be read ({type(error).__name__})" if isinstance(error, lost) else None
