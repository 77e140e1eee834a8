"""Reads what is published as anybody would: by URL, without credentials."""

import hashlib
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import requests

from releaser.errors import StoreError

CHUNK = 1 << 20
TIMEOUTS = (10, 60)  # seconds to connect, seconds between two reads


@dataclass(frozen=True, kw_only=True)
class Public:
    """Where the bucket's keys can be read; `resolve` maps host names to addresses, as /etc/hosts does."""

    base: str
    resolve: Mapping[str, str] = field(default_factory=dict)

    def url(self, key: str) -> str:
        """Return the address of a key."""
        return f"{self.base.rstrip('/')}/{urllib.parse.quote(key)}"

    def digest(self, key: str) -> str:
        """Return the sha256 of what an anonymous reader gets; raises StoreError where that is nothing."""
        actual = hashlib.sha256()
        try:
            for chunk in self._chunks(self.url(key)):
                actual.update(chunk)
        except requests.RequestException as error:
            raise StoreError(
                f"{self.url(key)} cannot be read without credentials: {error}",
                "Staging reads it as an anonymous user: allow s3:GetObject to everybody on the prefix.",
            ) from error
        return actual.hexdigest()

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
