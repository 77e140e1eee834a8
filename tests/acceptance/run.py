"""One acceptance run on a foundation: who is signed in, where apps go, what names belong to it, leftovers."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from releaser.errors import ConfigError, FoundationError
from releaser.tools import cf
from tests.acceptance.candidate import ROOT, Candidate, Row

# Another run on a shared foundation may be under way; a local foundation has one run at a time.
STALE = timedelta(hours=1)
SHORT = 30  # characters of the buildpack's name in host names, which have 63


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run; `label` is the start of every name that it makes, `folder` is where logs are kept."""

    candidate: Candidate
    session: cf.Session = field(repr=False)
    space: cf.Space
    info: cf.Info
    kinds: Mapping[str, str]
    label: str
    folder: Path

    def app_name(self, row: Row) -> str:
        """Return the name that a row's app gets; one that stays up has its manifest's."""
        if self.candidate.kept(row):
            return str(manifest(row.app)["name"])
        return f"{self.label}-{self.candidate.rows.index(row)}"


def manifest(app: str) -> dict[str, Any]:
    """Return the application of a fixture's manifest."""
    return cf.read_manifest(ROOT / "fixtures" / app / "manifest.yml")


def begin(candidate: Candidate, folder: Path) -> Run:
    """Sign in as CF_USERNAME, find the space and the stacks, and delete what killed runs have left."""
    user, password = os.environ.get("CF_USERNAME"), os.environ.get("CF_PASSWORD")
    if not user or not password:
        raise ConfigError("no user for the foundation is given", "Set CF_USERNAME and CF_PASSWORD.")
    target = candidate.foundation
    session = cf.login(target["api"], user, password, skip_tls_verify=bool(target.get("skip_tls_verify")))
    kinds = cf.stacks(session)
    missing = sorted(set(candidate.stacks) - set(kinds))
    if missing:
        raise FoundationError(
            f"{session.api} has no stack {', '.join(missing)}; it has {', '.join(sorted(kinds))}",
            "Change `stacks` in sidecar.yml.",
        )
    run = Run(
        candidate=candidate,
        session=session,
        space=cf.ensure_space(session, target["organization"], target["space"]),
        info=cf.info(session),
        kinds={stack: kinds[stack] for stack in candidate.stacks},
        label=f"{candidate.name[:SHORT]}-acceptance-{secrets.token_hex(4)}",
        folder=folder,
    )
    _delete_leftovers(run)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.log"):
        old.unlink()
    return run


def _delete_leftovers(run: Run) -> None:
    session, space = run.session, run.space
    for row in cf.resources(session, "/v3/apps", what="list the apps", space_guids=space.guid):
        if _is_leftover(run, row):
            delete_app(run, row["guid"])
    for row in cf.resources(session, "/v3/buildpacks", what="list the buildpacks"):
        if _is_leftover(run, row):
            cf.delete_buildpack(
                session, cf.Buildpack(guid=row["guid"], name=row["name"], stack=None, ready=True)
            )


def _is_leftover(run: Run, row: Mapping[str, Any]) -> bool:
    ours = re.escape(f"{run.candidate.name[:SHORT]}-acceptance-")
    made = datetime.fromisoformat(row["created_at"])
    old = run.info.local or datetime.now(UTC) - made > STALE
    return old and re.match(ours + r"[0-9a-f]{8}-", row["name"]) is not None


def delete_app(run: Run, guid: str) -> None:
    """Delete an app together with its routes."""
    routes = cf.routes(run.session, guid)
    cf.delete_app(run.session, guid)
    for route in routes:
        cf.delete_route(run.session, route["guid"])
