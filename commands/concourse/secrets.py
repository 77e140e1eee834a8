"""The secrets that a pipeline can have: what each is for, the least right that it needs, and its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commands.concourse import values
from releaser import config
from releaser.sections import Config


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """What a secret is for, and what whoever has it must be allowed to do; no more."""

    what: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A secret of sidecar.yml: `name` is what Concourse knows it as, None where it is not used."""

    key: str
    name: str | None
    purpose: Purpose
    state: str

    def document(self) -> Mapping[str, Any]:
        """Return the row for scripts."""
        return {
            "key": self.key,
            "secret": self.name,
            "what": self.purpose.what,
            "right": self.purpose.right,
            "state": self.state,
        }


NEEDED, UNUSED, NAMED = "needed", "unused", "named"
KNOWN, UNKNOWN, NOT_ASKED = "known", "unknown", "not asked"

_REGISTRY = "pull of the one repository; push too, where ci/image.yml is set"
_BUCKET = "the policies `train` and `pipeline`, and `prune` where old candidates are to go"
_GIT = "read, and push of branches and tags of the one repository; of main too, unless it is protected"
_FOUNDATION = "what foundation.organization and foundation.space ask for: admin, manager or developer"
PURPOSES = {
    "pipeline.image.username": Purpose(what="the user of the task image's registry", right=_REGISTRY),
    "pipeline.image.password": Purpose(what="that user's password", right=_REGISTRY),
    "pipeline.s3.access_key_id": Purpose(what="the bucket's access key", right=_BUCKET),
    "pipeline.s3.secret_access_key": Purpose(what="that key's secret", right=_BUCKET),
    "pipeline.s3.session_token": Purpose(what="the token of short-lived keys", right=_BUCKET),
    "pipeline.git.username": Purpose(what="the user of a git remote over https", right=_GIT),
    "pipeline.git.password": Purpose(what="that user's password or token", right=_GIT),
    "pipeline.git.private_key": Purpose(what="the deploy key of a git remote over ssh", right=_GIT),
    "pipeline.foundation.username": Purpose(what="the user on the foundation", right=_FOUNDATION),
    "pipeline.foundation.password": Purpose(what="that user's password", right=_FOUNDATION),
    "pipeline.signing_key": Purpose(what="the private key that signs releases", right="nothing: a key pair"),
    "pipeline.webhook_token": Purpose(
        what="what the git host sends along to start a check", right="nothing: any long random text"
    ),
    "pipeline.failure_url": Purpose(
        what="the URL that is told of a failed job", right="to post into the one channel"
    ),
}


def named(settings: Config) -> dict[str, str]:
    """Return the secrets that are used: key of sidecar.yml to name in the credential manager."""
    found = {key: str(config.at(settings, key) or "") for key in PURPOSES}
    return {key: text.removeprefix("((").removesuffix("))") for key, text in found.items() if text}


def rows(settings: Config, known: Mapping[str, bool | None] | None) -> list[Row]:
    """Return every secret with its state; `known` is what Concourse says of names, where it was asked."""
    names, lacking = named(settings), {one.where for one in values.find(settings)}
    return [
        Row(
            key=key, name=names.get(key), purpose=purpose, state=_state(names.get(key), key in lacking, known)
        )
        for key, purpose in PURPOSES.items()
    ]


def _state(name: str | None, lacking: bool, known: Mapping[str, bool | None] | None) -> str:
    if name is None:
        return NEEDED if lacking else UNUSED
    if known is None:
        return NAMED
    return {True: KNOWN, False: UNKNOWN, None: NOT_ASKED}[known[name]]
