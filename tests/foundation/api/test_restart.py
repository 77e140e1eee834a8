"""What a new server makes of an old one's state."""

from pathlib import Path

from tests.foundation.api.stand import running


def test_started_app_is_handed_over_as_it_was_at_its_start(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        app = before.push()
        before.apply("applications: [{name: a, default-route: true}]")
        spec = before.runner.specs[app]
        before.patch(f"/v3/apps/{app}/environment_variables", {"var": {"LATER": "1"}})
    with running(tmp_path) as after:
        assert after.runner.specs[app] == spec
        assert after.router.backends() == {"a.apps.test": ["10.0.0.1:8080"]}
        assert after.get(f"/v3/apps/{app}")["state"] == "STARTED"


def test_stopped_app_is_not_handed_over(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        app = before.push()
        before.post(f"/v3/apps/{app}/actions/stop", status=200)
    with running(tmp_path) as after:
        assert after.get(f"/v3/apps/{app}")["state"] == "STOPPED"
        assert after.runner.specs == {}


def test_start_drops_files_that_nothing_names(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        guid = before.create_buildpack()
        blobs = before.world.blobs
        for path in (
            blobs.upload("half"),
            blobs.droplet("lost"),
            blobs.buildpack(f"{guid}_old"),
            blobs.cache("a", "b"),
        ):
            path.write_bytes(b"x")
    with running(tmp_path) as after:
        files = [path.name for path in after.world.blobs.root.rglob("*") if path.is_file()]
        assert len(files) == 1
        assert files[0].startswith(f"{guid}_")


def test_seed_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path) as stand:
            for path in ("organizations", "spaces", "domains", "organization_quotas"):
                assert stand.get(f"/v3/{path}")["pagination"]["total_results"] == 1
            assert stand.get("/v3/stacks")["pagination"]["total_results"] == 2
