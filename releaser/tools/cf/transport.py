"""The HTTP below the foundation's client: time limits, retries, proxies, and uploads that stay on disk."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cloudfoundry_client.client import CloudFoundryClient, Info
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from releaser.errors import FoundationError

CONNECT_S, ANSWER_S, UPLOAD_S = 10.0, 60.0, 900.0  # an upload is answered once the platform has stored it
CHUNK = 1 << 20
# The methods and statuses that the cf CLI repeats, and as often.
RETRIES = Retry(
    total=4,
    connect=2,
    read=2,
    status=2,
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods=("GET", "PUT", "PATCH", "DELETE"),
    raise_on_status=False,
)


class Transport(requests.Session):
    """A connection pool, shared by threads, whose every request has a time limit."""

    def __init__(self, *, verify: bool | str, proxies: Mapping[str, str]) -> None:
        super().__init__()
        self.trust_env = False  # else a .netrc on the machine would replace the token
        self.verify = verify
        self.proxies.update(proxies)
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=RETRIES, pool_maxsize=16))

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request like requests.Session does, but never wait for ever."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_S, ANSWER_S)
        return super().request(*args, **kwargs)


# The library has no types; it is subclassed because its own requests wait for ever.
class Client(CloudFoundryClient):  # type: ignore[misc]
    """The library's client on our transport, knowing the v3 API only; `links` is what the root answers."""

    def __init__(self, api: str, transport: Transport) -> None:
        self._transport = transport
        self._refreshing = threading.Lock()
        self.links: Mapping[str, Any] = {}
        super().__init__(api, verify=transport.verify, proxy=dict(transport.proxies))
        self._session = transport

    def _get_info(self, target_endpoint: str, proxy: object = None, verify: object = True) -> Info:
        del proxy, verify  # the transport has them
        response = self._check_response(self._transport.get(f"{target_endpoint}/"))
        answer = response.json()
        links = answer.get("links") if isinstance(answer, dict) else None
        if not links or not links.get("cloud_controller_v3"):
            raise FoundationError(
                f"{target_endpoint} is not the API of a Cloud Foundry with v3",
                "Give the URL that `cf api` takes, such as https://api.sys.example.com.",
            )
        self.links = links
        login, v3 = self._resolve_login_endpoint(links), links["cloud_controller_v3"]["href"]
        return Info(None, v3, login, target_endpoint, None, None)

    def _token_request(self, request_parameters: dict[str, Any], refresh_token_mandatory: bool) -> None:
        service = self.service_information
        headers = {"Accept": "application/json", "Authorization": service.authorization_header}
        response = self._transport.post(service.token_service, data=request_parameters, headers=headers)
        if response.status_code != requests.codes.ok:
            raise FoundationError(
                f"{service.token_service} gives no token: {_reason(response)}",
                "Check CF_USERNAME and CF_PASSWORD.",
            )
        self._process_token_response(response.json(), refresh_token_mandatory)

    @property
    def user_guid(self) -> str | None:
        """The guid of who is signed in, as the token says; a client has none."""
        _, _, claims = (self._access_token or "").partition(".")
        claims = claims.partition(".")[0]
        try:
            guid = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["user_id"]
        except (ValueError, KeyError, TypeError):
            return None
        return str(guid)

    def _refresh_token(self) -> None:
        with self._refreshing:
            super()._refresh_token()


def _reason(response: requests.Response) -> str:
    """Return UAA's words: {"error", "error_description"}."""
    try:
        answer = response.json()
        words = answer.get("error_description") or answer.get("error")
    except (requests.JSONDecodeError, AttributeError):
        words = response.text.strip()[:200]
    return f"{words} (HTTP {response.status_code})"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A multipart body with one file that is read while it is sent, again from its start on a retry."""

    path: Path
    filename: str
    fields: Mapping[str, str] = field(default_factory=dict)
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the body needs."""
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}"}

    @property
    def _head(self) -> bytes:
        rows = [
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        ]
        file = f'form-data; name="bits"; filename="{self.filename}"\r\nContent-Type: application/zip'
        return f"{''.join(rows)}--{self.boundary}\r\nContent-Disposition: {file}\r\n\r\n".encode()

    @property
    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._head) + self.path.stat().st_size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
        yield self._tail
