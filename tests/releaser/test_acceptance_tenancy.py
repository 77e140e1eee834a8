"""An acceptance run on a foundation that others use: what it makes goes, what is not its own stays."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from releaser.errors import FoundationError
from releaser.tools import cf
from tests.acceptance import installs, tenancy
from tests.acceptance.run import running
from tests.releaser.acceptance_stand import FUTURE, OTHER, PAST, PREFIX, Tenancy, labels
from tests.releaser.acceptance_stand import tenancy as a_tenancy
from tests.releaser.cf_loopback import PASSWORD, refusal, serve

LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
MINE = f"{PREFIX}{OTHER}"

pytestmark = pytest.mark.slow


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Tenancy]:
    with a_tenancy(tmp_path) as found:
        yield found


# --- where the apps go


def test_given_space_is_used_and_stays(there: Tenancy) -> None:
    before = there.names()
    with running(there.candidate, there.folder) as run:
        assert (run.space.guid, run.space.organization) == (there.stand.space, "local")
        assert there.names() == before
    assert there.names() == before


def test_own_organization_is_made_with_the_mark_and_deleted(there: Tenancy) -> None:
    before = there.names()
    with running(there.with_target(organization=None, space=None), there.folder) as run:
        row = there.stand.get(f"/v3/organizations?names={run.mark.name}")["resources"][0]
        assert run.mark.made(row)
        assert run.space.organization == run.mark.name
        assert run.space.guid != there.stand.space
    assert there.names() == before
    assert run.complaints == []


def test_own_space_is_made_in_the_given_organization_and_deleted(there: Tenancy) -> None:
    before = there.names()
    with running(there.with_target(space=None), there.folder) as run:
        row = there.stand.get(f"/v3/spaces/{run.space.guid}")
        assert run.mark.made(row)
        assert there.names()["organizations"] == before["organizations"]
    assert there.names() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"organization": "nobodys"}, "shows no organization nobodys"),
        ({"space": "nobodys"}, "organization local shows no space nobodys"),
    ],
)
def test_given_place_that_is_not_there_is_named_and_not_made(
    there: Tenancy, changes: dict[str, str], said: str
) -> None:
    before = there.names()
    with pytest.raises(FoundationError, match=said), running(there.with_target(**changes), there.folder):
        pass
    assert there.names() == before


def test_user_who_may_not_make_an_organization_learns_what_to_set() -> None:
    with serve() as foundation:
        foundation.on("POST", "/v3/organizations", lambda _: refusal(403, 10003, "You are not authorized"))
        session = cf.login(foundation.api, "developer", PASSWORD)
        with pytest.raises(cf.ApiRefusedError, match="cannot create the organization mine") as caught:
            cf.create_organization(session, "mine", {})
    assert "foundation.organization and foundation.space" in caught.value.remedy


# --- what it makes


def test_every_label_and_name_is_one_that_foundations_allow() -> None:
    mark = tenancy.mark("x" * 60, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 60)
    assert all(LABEL.fullmatch(value) for value in mark.labels.values())
    assert mark.labels[tenancy.EXPIRES] == "20260102T040405Z"
    assert len(f"{mark.name}-999") <= 63  # a host name


def test_installed_buildpacks_bear_the_mark_and_go_at_the_end(there: Tenancy) -> None:
    before = there.names()
    with running(there.candidate, there.folder) as run:
        installed = installs.install(run)
        rows = cf.resources(there.session, "/v3/buildpacks", what="list")
        made = [row for row in rows if run.mark.made(row)]
        assert sorted(row["name"] for row in made) == sorted(installed.names.values())
    assert there.names() == before


def test_stand_in_for_the_final_buildpack_has_a_name_of_this_run(there: Tenancy) -> None:
    own = there.stand.get("/v3/buildpacks")["resources"][0]["guid"]
    there.stand.delete(f"/v3/buildpacks/{own}")
    with running(there.candidate, there.folder) as run:
        final = installs.install(run).final.name
        assert final == f"{run.mark.name}-final"
        assert final in there.names()["buildpacks"]
    assert there.names()["buildpacks"] == []


@pytest.mark.parametrize("error", [FoundationError("it broke"), KeyboardInterrupt()])
def test_all_goes_also_where_the_run_breaks_off(there: Tenancy, error: BaseException) -> None:
    before = there.names()
    target = there.with_target(organization=None, space=None)

    def break_off() -> None:
        with running(target, there.folder) as run:
            installs.install(run)
            cf.create_app(run.session, run.space, f"{run.mark.name}-0", run.mark.labels)
            raise error

    with pytest.raises(type(error)):
        break_off()
    assert there.names() == before


def test_app_and_route_in_a_given_space_go_where_the_run_breaks_off(there: Tenancy) -> None:
    before = there.names()

    def break_off() -> None:
        with running(there.candidate, there.folder) as run:
            name = f"{run.mark.name}-0"
            cf.create_app(run.session, run.space, name, run.mark.labels)
            cf.create_route(run.session, run.space, run.place.domain, name, run.mark.labels)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert there.names() == before


# --- what others have


def test_expired_leftovers_of_a_killed_run_are_removed_of_every_kind(there: Tenancy) -> None:
    before = there.names()
    there.plant(f"{MINE}-0", labels())
    there.plant(MINE, labels())
    with running(there.candidate, there.folder) as run:
        assert there.names() == before
    assert run.complaints == []


def test_expired_organization_goes_with_all_that_is_in_it(there: Tenancy) -> None:
    metadata = {"labels": dict(labels())}
    organization = there.stand.post("/v3/organizations", {"name": MINE, "metadata": metadata})["guid"]
    relation = {"organization": {"data": {"guid": organization}}}
    space = there.stand.post("/v3/spaces", {"name": MINE, "relationships": relation})["guid"]
    there.stand.post("/v3/apps", {"name": "a", "relationships": {"space": {"data": {"guid": space}}}})
    with running(there.with_target(organization=None, space=None), there.folder):
        assert "a" not in there.names()["apps"]


LOOK_ALIKES = {
    "our prefix without a label": (f"{MINE}-0", {}),
    "our prefix with somebody's labels": (f"{MINE}-1", {"team": "other", "expires": PAST}),
    "our labels without our prefix": ("their-app", labels()),
    "our labels and our prefix in the middle": (f"their-{MINE}-2", labels()),
    "our prefix and another run's number": (f"{PREFIX}deadbeef-3", labels()),
    "our prefix and a longer number": (f"{MINE}0-4", labels()),
    "another buildpack's": (f"other-acceptance-{OTHER}-5", labels()),
    "not expired": (f"{MINE}-6", labels(expires=FUTURE)),
    "an expiry that is no time": (f"{MINE}-7", labels(expires="soon")),
    "an expiry alone": (f"{MINE}-8", {tenancy.EXPIRES: PAST}),
    "a run alone": (f"{MINE}-9", {tenancy.RUN: OTHER}),
    "a run that is no number": (f"{PREFIX}mine-10", labels(run="mine")),
}


@pytest.mark.parametrize(("name", "marks"), LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_look_alike_is_not_taken_for_a_leftover(name: str, marks: dict[str, str]) -> None:
    now = datetime.now(UTC)
    ours = tenancy.mark("toy", now, 60)
    assert not ours.expired(now)({"name": name, "metadata": {"labels": marks}})
    assert not ours.expired(now)({"host": name, "metadata": {"labels": marks}})
    assert not ours.made({"name": name, "metadata": {"labels": marks}})


def test_what_others_have_is_not_touched_while_a_leftover_beside_it_goes(there: Tenancy) -> None:
    for name, marks in LOOK_ALIKES.values():
        there.plant(name, marks)
    before = there.names()
    there.plant(f"{MINE}-99", labels())
    with running(there.candidate, there.folder) as run:
        installs.install(run)
    assert there.names() == before
    assert run.complaints == []


def test_clock_that_counts_is_the_foundations(there: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Late":  # noqa: ARG003
            return cls(2100, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("releaser.tools.cf.session.datetime", Late)
    there.plant(f"{MINE}-0", labels(expires=FUTURE))
    before = there.names()
    with running(there.candidate, there.folder):
        assert there.names() == before


def test_run_that_is_alone_on_its_foundation_removes_what_is_not_expired(there: Tenancy) -> None:
    before = there.names()
    there.plant(f"{MINE}-0", labels(expires=FUTURE))
    with running(replace(there.candidate, shared=False), there.folder):
        assert there.names() == before


def test_leftover_that_cannot_be_removed_is_named_and_stops_nothing() -> None:
    row = {"guid": "1", "name": MINE, "metadata": {"labels": labels()}}
    with serve() as foundation:
        for kind in ("organizations", "buildpacks"):
            foundation.listing(f"/v3/{kind}", row)
        foundation.on("DELETE", "/v3/buildpacks/1", lambda _: refusal(403, 10003, "You are not authorized"))
        foundation.on("DELETE", "/v3/organizations/1", status=202)
        session = cf.login(foundation.api, "developer", PASSWORD)
        where = tenancy.Where(session=session, space_guid=None, organization_guid=None, buildpacks=True)
        expired = tenancy.mark("toy", datetime.now(UTC), 60).expired(datetime.now(UTC))
        (said,) = tenancy.remove(where, expired)
        assert said == f"cannot delete buildpacks {MINE}: You are not authorized (HTTP 403)"
        assert foundation.asked("DELETE", "/v3/organizations/1")
