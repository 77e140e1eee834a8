"""Deleting a space or an organization takes along what is in it, and nothing else."""

from pathlib import Path

from tests.foundation.api.stand import Stand


def a_space(stand: Stand, organization: str, name: str) -> str:
    """Return a new space with a role in it."""
    relation = {"organization": {"data": {"guid": organization}}}
    space: str = stand.post("/v3/spaces", {"name": name, "relationships": relation})["guid"]
    role = {"user": {"data": {"username": "admin"}}, "space": {"data": {"guid": space}}}
    stand.post("/v3/roles", {"type": "space_developer", "relationships": role})
    return space


def a_route(stand: Stand, space: str, host: str) -> str:
    domain = stand.get("/v3/domains")["resources"][0]["guid"]
    relation = {"space": {"data": {"guid": space}}, "domain": {"data": {"guid": domain}}}
    route: str = stand.post("/v3/routes", {"host": host, "relationships": relation})["guid"]
    return route


def an_app(stand: Stand, space: str, name: str) -> str:
    app: str = stand.post("/v3/apps", {"name": name, "relationships": {"space": {"data": {"guid": space}}}})[
        "guid"
    ]
    return app


def names(stand: Stand, path: str, key: str = "name") -> list[str]:
    return [row[key] for row in stand.get(path)["resources"]]


def test_deleted_space_takes_its_apps_and_routes_along(stand: Stand) -> None:
    organization = stand.get("/v3/organizations")["resources"][0]["guid"]
    space = a_space(stand, organization, "gone")
    an_app(stand, space, "in-it")
    stand.create_app("beside-it")
    a_route(stand, space, "in-it")
    a_route(stand, stand.space, "beside-it")
    assert stand.delete(f"/v3/spaces/{space}")["operation"] == "space.delete"
    assert names(stand, "/v3/spaces") == ["local"]
    assert names(stand, "/v3/apps") == ["beside-it"]
    assert names(stand, "/v3/routes", "host") == ["beside-it"]
    stand.get(f"/v3/spaces/{space}", 404)


def test_deleted_space_stops_what_runs_in_it_and_removes_its_files(stand: Stand, tmp_path: Path) -> None:
    app = stand.push()
    assert stand.runner.specs
    assert list((tmp_path / "blobs/packages").iterdir())
    stand.delete(f"/v3/spaces/{stand.space}")
    assert not stand.runner.specs
    assert not list((tmp_path / "blobs/packages").iterdir())
    assert not list((tmp_path / "blobs/droplets").iterdir())
    stand.get(f"/v3/apps/{app}", 404)


def test_deleted_organization_takes_its_spaces_along(stand: Stand) -> None:
    organization = stand.post("/v3/organizations", {"name": "gone"})["guid"]
    space = a_space(stand, organization, "in-it")
    an_app(stand, space, "in-it")
    stand.create_app("beside-it")
    assert stand.delete(f"/v3/organizations/{organization}")["operation"] == "organization.delete"
    assert names(stand, "/v3/organizations") == ["local"]
    assert names(stand, "/v3/spaces") == ["local"]
    assert names(stand, "/v3/apps") == ["beside-it"]
