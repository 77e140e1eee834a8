"""Which values of sidecar.yml a pipeline cannot do without, and which do not fit together."""

import datetime
import fnmatch
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

from releaser import config
from releaser.sections import Config
from releaser.source import pin_paths

NEEDED = {
    "s3.bucket": "candidates and releases lie in it",
    "s3.public_url": "anybody reads the bucket's objects there",
    "git.remote": "it is what the pipeline releases",
    "pipeline.image.repository": "the image that tasks run in is there (docs/image.md)",
    "pipeline.image.tag": "./inv image --write writes it",
}
PAIRS = (
    ("pipeline.image.username", "pipeline.image.password"),
    ("pipeline.s3.access_key_id", "pipeline.s3.secret_access_key"),
    ("pipeline.git.username", "pipeline.git.password"),
    ("pipeline.foundation.username", "pipeline.foundation.password"),
)
USER, KEY = ("pipeline.git.username", "pipeline.git.password"), "pipeline.git.private_key"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong, and where: a key of sidecar.yml or a file."""

    where: str
    what: str


def find(settings: Config) -> Iterator[Problem]:
    """Yield all that is wrong with the values; a key is named once at least, for each fault of it."""
    for key, why in NEEDED.items():
        if not config.at(settings, key):
            yield Problem(where=key, what=f"is null, but the pipeline needs it: {why}")
    yield from _pairs(settings)
    yield from _git(settings)
    yield from _foundation(settings)
    yield from _rest(settings)
    yield from _excludes(settings)
    yield from _certificates(settings)


def _pairs(settings: Config) -> Iterator[Problem]:
    for pair in PAIRS:
        for key, other in (pair, reversed(pair)):
            if config.at(settings, other) and not config.at(settings, key):
                yield Problem(where=key, what=f"is null, but {other} is named: name both or neither")


def _git(settings: Config) -> Iterator[Problem]:
    remote = settings.git.remote
    how = _scheme(remote) if remote else None
    if how == "file":
        yield Problem(
            where="git.remote", what=f"is {remote}, which Concourse's workers cannot reach: name a URL"
        )
    elif how in ("http", "https"):
        yield from _wanted(settings, USER, (KEY,), f"git.remote is reached over {how}")
    elif how == "ssh":
        yield from _wanted(settings, (KEY,), USER, "git.remote is reached over ssh")
        if "git" in settings.acceptance.ways and not settings.git.public_url:
            what = (
                "is null, but acceptance.ways has git: staging would clone git.remote, and has no key for ssh"
            )
            yield Problem(where="git.public_url", what=what)


def _wanted(
    settings: Config, wanted: tuple[str, ...], unused: tuple[str, ...], because: str
) -> Iterator[Problem]:
    """Yield a problem for credentials that are missing, and for those that nobody uses.

    The latter would have to be known to Concourse all the same.
    """
    yield from _missing(settings, wanted, f"{because}: the pipeline needs it to push")
    for key in unused:
        if config.at(settings, key):
            yield Problem(where=key, what=f"is named, but {because}, where it has no use: null")


def _missing(settings: Config, wanted: tuple[str, ...], because: str) -> Iterator[Problem]:
    """Yield a problem for each where none of them is there; of half a pair the pair has said it."""
    if not any(config.at(settings, key) for key in wanted):
        for key in wanted:
            yield Problem(where=key, what=f"is null, but {because}")


def _scheme(remote: str) -> str:
    """Return how git reaches a remote: as its URL says, over ssh as in host:path, or as a folder."""
    scheme = urllib.parse.urlsplit(remote).scheme if "://" in remote else ""
    if scheme:
        return "ssh" if scheme.endswith("ssh") else scheme
    host, colon, _ = remote.partition(":")
    return "ssh" if colon and "/" not in host else "file"


def _foundation(settings: Config) -> Iterator[Problem]:
    user = PAIRS[3]
    if settings.foundation.api:
        yield from _missing(settings, user, "foundation.api names a foundation that asks who logs in")
        if settings.pipeline.privileged:
            what = "is true, but foundation.api names a foundation: no task needs it then"
            yield Problem(where="pipeline.privileged", what=what)
        return
    for key in user:
        if config.at(settings, key):
            what = "is named, but foundation.api is null, and nobody logs in to a local foundation: null"
            yield Problem(where=key, what=what)
    if not settings.pipeline.privileged:
        what = "is false, but foundation.api is null: the local foundation inside the task needs it"
        yield Problem(where="pipeline.privileged", what=what)


def _rest(settings: Config) -> Iterator[Problem]:
    keys, signing = settings.pipeline.s3, settings.signing
    if keys.session_token and not keys.access_key_id:
        what = "is named, but there is no pipeline.s3.access_key_id that it belongs to"
        yield Problem(where="pipeline.s3.session_token", what=what)
    if signing.public_key and not signing.command and not settings.pipeline.signing_key:
        what = "is null, but signing.public_key asks for signatures, and no signing.command makes them"
        yield Problem(where="pipeline.signing_key", what=what)


def _excludes(settings: Config) -> Iterator[Problem]:
    """Look for what a release changes itself: by that it would start the pipeline again, without end."""
    for path in pin_paths():
        if not any(path.startswith(f"{one}/") or fnmatch.fnmatchcase(path, one) for one in settings.excludes):
            what = f"does not hold {path}: each release changes it, and would start the next one"
            yield Problem(where="excludes", what=what)


def _certificates(settings: Config) -> Iterator[Problem]:
    now = datetime.datetime.now(datetime.UTC)
    for number, text in enumerate(settings.pipeline.certificates):
        where = f"pipeline.certificates, number {number + 1}"
        try:
            found = x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            yield Problem(where=where, what="is no certificate that can be read")
            continue
        for one in found:
            if one.not_valid_after_utc < now:
                name = one.subject.rfc4514_string()
                yield Problem(where=where, what=f"has expired on {one.not_valid_after_utc:%Y-%m-%d} ({name})")
