"""What is kept of an app's packages, droplets and build caches."""

from pathlib import Path

import pytest

from tests.foundation.api.stand import Stand


@pytest.fixture
def app(stand: Stand) -> str:
    stand.create_buildpack()
    return stand.create_app()


def states(stand: Stand, app: str, kind: str) -> list[str]:
    """Return the states, oldest first."""
    return [row["state"] for row in stand.get(f"/v3/apps/{app}/{kind}")["resources"]]


def files(stand: Stand, kind: str) -> int:
    return len(list((stand.world.blobs.root / kind).iterdir()))


def test_packages_and_droplets_beyond_the_newest_five_expire(stand: Stand, app: str) -> None:
    other = stand.create_app("other")
    stand.build(other)
    for _ in range(7):
        stand.build(app)
    expected = ["EXPIRED", "EXPIRED", *["STAGED"] * 5]
    assert states(stand, app, "droplets") == expected
    assert states(stand, app, "packages") == [state.replace("STAGED", "READY") for state in expected]
    assert (files(stand, "droplets"), files(stand, "packages")) == (6, 6)
    assert states(stand, other, "droplets") == ["STAGED"]


def test_current_droplet_stays_with_its_package_beside_five_others(stand: Stand, app: str) -> None:
    first = stand.build(app)["droplet"]["guid"]
    stand.assign(app, first)
    for _ in range(6):
        stand.build(app)
    assert states(stand, app, "droplets") == ["STAGED", "EXPIRED", *["STAGED"] * 5]
    assert states(stand, app, "packages") == ["READY", "EXPIRED", *["READY"] * 5]
    assert stand.http.get(f"/v3/droplets/{first}/download").content == b"droplet"


def test_droplet_that_still_runs_stays_though_another_is_current(stand: Stand, app: str) -> None:
    stand.assign(app, stand.build(app)["droplet"]["guid"])
    stand.post(f"/v3/apps/{app}/actions/start", status=200)
    (spec,) = stand.runner.specs.values()
    for _ in range(7):
        stand.assign(app, stand.build(app)["droplet"]["guid"])
    assert spec.droplet.read_bytes() == b"droplet"


def test_packages_expire_without_builds_too(stand: Stand, app: str) -> None:
    for _ in range(7):
        stand.create_package(app)
    assert states(stand, app, "packages") == ["EXPIRED", "EXPIRED", *["READY"] * 5]
    assert files(stand, "packages") == 5


def test_package_of_a_build_under_way_stays(stand: Stand, app: str) -> None:
    there: list[bool] = []

    def upload_others() -> None:
        for _ in range(7):
            stand.create_package(app)
        there.append(stand.stager.requests[0].package.exists())

    stand.stager.before = upload_others
    assert stand.build(app)["state"] == "STAGED"
    assert there == [True]
    assert states(stand, app, "packages")[:3] == ["EXPIRED", "EXPIRED", "EXPIRED"]


def test_expired_package_and_droplet_cannot_be_used(stand: Stand, app: str) -> None:
    for _ in range(6):
        stand.build(app)
    package = stand.get(f"/v3/apps/{app}/packages?states=EXPIRED")["resources"][0]["guid"]
    droplet = stand.get(f"/v3/apps/{app}/droplets?states=EXPIRED")["resources"][0]["guid"]
    assert stand.details("POST", "/v3/builds", {"package": {"guid": package}}, 400)
    assert stand.details("GET", f"/v3/packages/{package}/download")
    assert stand.details("GET", f"/v3/droplets/{droplet}/download")
    (error,) = stand.assign(app, droplet, 422)["errors"]
    assert error["detail"].startswith("Unable to assign current droplet.")


def test_cleared_cache_is_gone_on_every_stack_and_no_other_apps(stand: Stand, app: str) -> None:
    blobs = stand.world.blobs
    owners = ((app, "cflinuxfs4"), (app, "other"), ("b", "other"))
    caches: list[Path] = [blobs.cache(owner, stack) for owner, stack in owners]
    for path in caches:
        path.write_bytes(b"cache")
    job = stand.job(stand.http.post(f"/v3/apps/{app}/actions/clear_buildpack_cache"))
    assert (job["operation"], job["state"]) == ("app.clear_buildpack_cache", "COMPLETE")
    assert [path.exists() for path in caches] == [False, False, True]
    absent = stand.http.post("/v3/apps/absent/actions/clear_buildpack_cache")
    assert absent.status_code == 404
