"""One acceptance run on a foundation: who is signed in, where apps go, and that nothing stays afterwards."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from releaser.errors import ConfigError, FoundationError
from releaser.tools import cf
from tests.acceptance import manifests, tenancy
from tests.acceptance.candidate import Candidate, Row
from tests.acceptance.places import Given, Place, find_given, place
from tests.acceptance.tenancy import Mark, Where


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run; `mark` is what its things are known by, `folder` is where its files go.

    `stays` has the names of what outlives it, `complaints` what could not be removed.
    """

    candidate: Candidate
    session: cf.Session = field(repr=False)
    place: Place
    info: cf.Info
    kinds: Mapping[str, str]
    mark: Mark
    folder: Path
    stays: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    @property
    def space(self) -> cf.Space:
        """Where the apps go."""
        return self.place.space

    def app_name(self, row: Row) -> str:
        """Return the name that a row's app gets; one that stays up has its manifest's."""
        if self.candidate.kept(row):
            return str(self.manifest(row.app)["name"])
        return f"{self.mark.name}-{self.candidate.rows.index(row)}"

    def manifest(self, app: str) -> dict[str, Any]:
        """Return what the manifest of an app in fixtures/ says of it."""
        return manifests.read(app, self.candidate.sidecar)

    def made(self, row: Mapping[str, Any]) -> bool:
        """Say whether this run made the thing, and it is not to stay."""
        return self.mark.made(row) and row.get("name") not in self.stays


@contextmanager
def running(candidate: Candidate, folder: Path) -> Iterator[Run]:
    """Sign in, remove what killed runs have left, yield a run, and remove what it made, whatever happens."""
    session = _sign_in(candidate.foundation)
    kinds, now = _stacks(session, candidate), cf.now(session)
    given = find_given(session, candidate.foundation)
    mark = tenancy.mark(candidate.name, now, candidate.time_to_live)
    # Where nobody else is, what another run made is left by a dead one.
    ours = mark.expired(now) if candidate.shared else mark.left
    complaints = tenancy.remove(_where(session, candidate, given, given.space), ours)
    made: list[Run] = []
    try:
        made.append(
            Run(
                candidate=candidate,
                session=session,
                place=place(session, given, mark),
                info=cf.info(session),
                kinds=kinds,
                mark=mark,
                folder=folder,
                complaints=complaints,
            )
        )
        yield made[0]
    finally:
        space = made[0].space if made else given.space
        ours = made[0].made if made else mark.made
        complaints += tenancy.remove(_where(session, candidate, given, space), ours)


def _where(session: cf.Session, candidate: Candidate, given: Given, space: cf.Space | None) -> Where:
    return Where(
        session=session,
        space_guid=space.guid if space else None,
        organization_guid=given.organization_guid,
        buildpacks=candidate.creates_buildpacks,
    )


def _sign_in(target: Mapping[str, Any]) -> cf.Session:
    user, password = os.environ.get("CF_USERNAME"), os.environ.get("CF_PASSWORD")
    if not user or not password:
        raise ConfigError("no user for the foundation is given", "Set CF_USERNAME and CF_PASSWORD.")
    return cf.login(target["api"], user, password, skip_tls_verify=bool(target.get("skip_tls_verify")))


def _stacks(session: cf.Session, candidate: Candidate) -> Mapping[str, str]:
    kinds = cf.stacks(session)
    missing = sorted(set(candidate.stacks) - set(kinds))
    if missing:
        raise FoundationError(
            f"{session.api} has no stack {', '.join(missing)}; it has {', '.join(sorted(kinds))}",
            "Change `stacks` in sidecar.yml.",
        )
    return {stack: kinds[stack] for stack in candidate.stacks}


def delete_app(run: Run, guid: str) -> None:
    """Delete an app together with its routes."""
    routes = cf.routes(run.session, guid)
    cf.delete_app(run.session, guid)
    for route in routes:
        cf.delete_route(run.session, route["guid"])
