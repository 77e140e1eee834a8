"""An acceptance run's foundation without containers, and the candidate that runs on it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from releaser.tools import cf
from releaser.tools.public import Public
from tests.acceptance.candidate import ROOT, Candidate, Sidecar, Zip
from tests.acceptance.tenancy import EXPIRES, RUN
from tests.foundation.api.served import serving
from tests.foundation.api.stand import Stand
from tests.foundation.api.talk import buildpack_zip

PAST, FUTURE = "20200101T000000Z", "20990101T000000Z"
PREFIX, OTHER = "toy-acceptance-", "0badcafe"
COLLECTIONS = ("organizations", "spaces", "apps", "routes", "buildpacks")


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """A foundation with a session, what it was asked, and a candidate that names it."""

    stand: Stand
    asked: list[tuple[str, str]]
    session: cf.Session
    candidate: Candidate
    folder: Path

    def with_target(self, **changes: Any) -> Candidate:
        """Return the candidate with other settings of the foundation."""
        return replace(self.candidate, foundation={**self.candidate.foundation, **changes})

    def names(self) -> Mapping[str, list[str]]:
        """Return the names of all that is there."""
        found = {}
        for kind in COLLECTIONS:
            rows = cf.resources(self.session, f"/v3/{kind}", what="list", per_page="500")
            found[kind] = sorted(row.get("name") or row["host"] for row in rows)
        return found

    def plant(self, name: str, labels: Mapping[str, str], *, organizations: bool = True) -> None:
        """Make one thing of each kind that has this name and these labels."""
        stand, metadata = self.stand, {"labels": dict(labels)}
        organization = stand.get("/v3/organizations?names=local")["resources"][0]["guid"]
        domain = stand.get("/v3/domains")["resources"][0]["guid"]
        here = {"space": {"data": {"guid": stand.space}}}
        stand.post("/v3/apps", {"name": name, "relationships": here, "metadata": metadata})
        relations = {**here, "domain": {"data": {"guid": domain}}}
        stand.post("/v3/routes", {"host": name, "relationships": relations, "metadata": metadata})
        stand.post("/v3/buildpacks", {"name": name, "metadata": metadata})
        of = {"organization": {"data": {"guid": organization}}}
        stand.post("/v3/spaces", {"name": name, "relationships": of, "metadata": metadata})
        if organizations:
            stand.post("/v3/organizations", {"name": name, "metadata": metadata})


@contextmanager
def tenancy(folder: Path) -> Iterator[Tenancy]:
    """Yield a fresh foundation, with a ruby_buildpack of its own, and who signs in there."""
    zips = [_zip(folder, variant) for variant in ("uncached", "cached")]
    (folder / "state").mkdir()
    with serving(folder / "state") as served, pytest.MonkeyPatch.context() as patch:
        stand, api, password = served.stand, served.api, served.stand.world.auth.password
        stand.create_buildpack("ruby_buildpack")
        patch.setenv("CF_USERNAME", "admin")
        patch.setenv("CF_PASSWORD", password)
        yield Tenancy(
            stand=stand,
            asked=served.asked,
            session=cf.login(api, "admin", password),
            candidate=_candidate(api, zips),
            folder=folder,
        )


def _zip(folder: Path, variant: str) -> Zip:
    path, content = folder / f"toy-{variant}.zip", buildpack_zip(note=variant)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Zip(stack="cflinuxfs4", variant=variant, path=path, sha256=digest, key=path.name)


def _candidate(api: str, zips: list[Zip]) -> Candidate:
    return Candidate(
        name="toy",
        version="1.2.3",
        foundation={"name": "shared", "api": api, "organization": "local", "space": "local"},
        zips=tuple(zips),
        git="https://git.example.com/toy.git#v1",
        apps=("rubyapp",),
        ways=("uncached", "cached", "git"),
        stacks=("cflinuxfs4",),
        sidecar=Sidecar(name="toy", command="./toy", process_types=("web",), port_variable="P"),
        ruby_buildpack=ROOT / "fixtures/ruby_buildpack",
        keep=frozenset(),
        public=Public(base="http://127.0.0.1:1/nowhere"),
        shared=True,
        time_to_live=60,
    )


def labels(run: str = OTHER, expires: str = PAST) -> Mapping[str, str]:
    """Return the labels of another run's things."""
    return {RUN: run, EXPIRES: expires}
