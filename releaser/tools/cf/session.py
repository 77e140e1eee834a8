"""A signed-in user on a foundation: requests with errors that explain themselves, waiting, spaces, stacks."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from cloudfoundry_client.errors import InvalidEntity, InvalidStatusCode
from requests.utils import get_environ_proxies

from releaser.errors import FoundationError
from releaser.tools.cf.transport import Client, Transport

JOB_S = 600.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.1, 1.0
Found = TypeVar("Found")


class ApiRefusedError(FoundationError):
    """The foundation answered a request with an error; `status` is the HTTP status."""

    def __init__(self, message: str, status: int, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Session:
    """A signed-in user; threads may share one. `log_cache` is None where the foundation names none."""

    api: str
    client: Any = field(repr=False)
    transport: Transport = field(repr=False)
    log_cache: str | None


@dataclass(frozen=True, kw_only=True)
class Info:
    """What a foundation says of itself in /v3/info, `custom`.

    The local one names the annotation that takes an app's staging off the network, and the base URL of the
    router that its apps answer behind.
    """

    local: bool
    staging_network_annotation: str | None
    router: str | None


@dataclass(frozen=True, kw_only=True)
class Space:
    """Where apps live."""

    guid: str
    name: str
    organization: str


def login(api: str, user: str, password: str, *, skip_tls_verify: bool = False) -> Session:
    """Sign in; raises FoundationError, which never holds the password."""
    base = (api if "://" in api else f"https://{api}").rstrip("/")
    verify = not skip_tls_verify and (os.environ.get("SSL_CERT_FILE") or True)
    transport = Transport(verify=verify, proxies=proxies(base))
    with explained(f"sign in to {base} as {user}"):
        client = Client(base, transport)
        client.init_with_user_credentials(user, password)
    log_cache = (client.links.get("log_cache") or {}).get("href")
    return Session(api=base, client=client, transport=transport, log_cache=log_cache)


def proxies(url: str) -> Mapping[str, str]:
    """Return the proxies that the environment names for a URL; what is on this machine needs none."""
    return {} if is_here(url) else get_environ_proxies(url)


def is_here(url: str) -> bool:
    """Say whether a URL points at this machine by its name."""
    host = urlsplit(url).hostname or ""
    return host in ("127.0.0.1", "::1", "localhost") or host.endswith(".localhost")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the client raises into FoundationError: what could not be done, in the foundation's words."""
    try:
        yield
    except InvalidStatusCode as error:
        status = int(error.status_code)
        raise ApiRefusedError(
            f"cannot {what}: {details(error.body)} (HTTP {status})", status, _remedy(status)
        ) from None
    except InvalidEntity as error:
        raise FoundationError(f"cannot {what}: a link without an address in {error.raw_entity}") from None
    except requests.RequestException as error:
        raise FoundationError(
            f"cannot {what}: {error}", "Check foundation.api, the network, and that the foundation runs."
        ) from None


def _remedy(status: int) -> str:
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        return "The user needs to be an admin, or a developer of the space who may install buildpacks."
    return ""


def details(body: object) -> str:
    """Return the sentences of an error answer; the API's form is {"errors": [{"code","title","detail"}]}."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if not isinstance(errors, list) or not errors:
        return str(body).strip()[:500] or "no words"
    return "; ".join(str(error.get("detail") or error.get("title")) for error in errors)


def request(session: Session, method: str, path: str, *, what: str, **options: Any) -> requests.Response:
    """Send a request to a path of the API, or to an absolute URL, with the token; `what` words the error."""
    url = path if "://" in path else f"{session.api}{path}"
    with explained(what):
        response: requests.Response = getattr(session.client, method)(url, **options)
        return response


def resources(session: Session, path: str, *, what: str, **parameters: str) -> list[Mapping[str, Any]]:
    """Return what is on every page of a list."""
    return [row for page in pages(session, path, what=what, **parameters) for row in page["resources"]]


def pages(session: Session, path: str, *, what: str, **parameters: str) -> Iterator[Mapping[str, Any]]:
    """Yield the pages of a list: `resources`, and what is `included`."""
    page = request(session, "get", path, what=what, params=parameters).json()
    while True:
        yield page
        following = (page.get("pagination") or {}).get("next")
        if not following:
            return
        page = request(session, "get", following["href"], what=what).json()


def wait_for(look: Callable[[], Found | None], *, limit: float, what: str) -> Found:
    """Look, quickly at first, until something is found; raises FoundationError after `limit` seconds."""
    end, pause = time.monotonic() + limit, FIRST_PAUSE_S
    while (found := look()) is None:
        if time.monotonic() > end:
            raise FoundationError(f"{what} took longer than {limit:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.3, LAST_PAUSE_S)
    return found


def wait_for_job(session: Session, location: str | None, *, what: str) -> None:
    """Wait for the job that an answer's Location names; raises FoundationError with its errors."""
    if location is None:
        return  # it was done at once
    guid = urlsplit(location).path.rsplit("/", 1)[-1]

    def look() -> Mapping[str, Any] | None:
        with explained(what):
            job: Mapping[str, Any] = session.client.v3.jobs.get(guid)
        return job if job["state"] in ("COMPLETE", "FAILED") else None

    job = wait_for(look, limit=JOB_S, what=f"the job to {what}")
    if job["state"] == "FAILED":
        raise FoundationError(f"cannot {what}: {details(job)}")


def info(session: Session) -> Info:
    """Return what the foundation says of itself."""
    answer = request(session, "get", "/v3/info", what="read /v3/info").json()
    custom = answer.get("custom") or {}
    return Info(
        local=custom.get("foundation") == "local",
        staging_network_annotation=custom.get("staging_network_annotation"),
        router=custom.get("router"),
    )


def now(session: Session) -> datetime:
    """Return the foundation's time: what is compared there must not depend on this machine's clock."""
    stamp = request(session, "get", "/v3/info", what="read /v3/info").headers.get("Date")
    return parsedate_to_datetime(stamp) if stamp else datetime.now(UTC)


def stacks(session: Session) -> dict[str, str]:
    """Return the kind of each stack: "official", or "stand-in" where its label `rootfs` says so."""
    with explained("list the stacks"):
        rows = list(session.client.v3.stacks.list())
    labels = {row["name"]: (row.get("metadata") or {}).get("labels") or {} for row in rows}
    return {name: marks.get("rootfs", "official") for name, marks in labels.items()}


def ensure_space(session: Session, organization: str, space: str) -> Space:
    """Return the space, made together with its organization where it is not there yet."""
    v3 = session.client.v3
    with explained(f"find or create the organization {organization}"):
        org = v3.organizations.get_first(names=organization) or v3.organizations.create(organization, False)
    with explained(f"find or create the space {space} in {organization}"):
        found = v3.spaces.get_first(names=space, organization_guids=org["guid"])
        guid = (found or v3.spaces.create(space, org["guid"]))["guid"]
    return Space(guid=guid, name=space, organization=organization)
