"""Organizations, spaces, roles, domains, stacks and routes."""

from typing import Any

import pytest

from tests.foundation.api.stand import Stand


def route_body(stand: Stand, **more: Any) -> dict[str, Any]:
    domain = stand.get("/v3/domains")["resources"][0]["guid"]
    relations = {"space": {"data": {"guid": stand.space}}, "domain": {"data": {"guid": domain}}}
    return {"host": "a", "relationships": relations, **more}


def test_route_reaches_the_router_with_the_running_instances(stand: Stand) -> None:
    app = stand.push()
    guid = stand.post("/v3/routes", route_body(stand, path="/p"))["guid"]
    added = stand.post(f"/v3/routes/{guid}/destinations", {"destinations": [{"app": {"guid": app}}]}, 200)
    assert stand.router.backends() == {"a.apps.test/p": ["10.0.0.1:8080"]}
    assert [route["guid"] for route in stand.get(f"/v3/apps/{app}/routes")["resources"]] == [guid]
    assert stand.get(f"/v3/routes?app_guids={app}")["pagination"]["total_results"] == 1
    destination = added["destinations"][0]["guid"]
    assert stand.delete(f"/v3/routes/{guid}/destinations/{destination}", 204) is None
    assert stand.router.backends() == {"a.apps.test/p": []}
    stand.delete(f"/v3/routes/{guid}")
    assert stand.router.backends() == {}


def test_route_filters_empty_means_none_and_not_any(stand: Stand) -> None:
    stand.post("/v3/routes", route_body(stand))
    stand.post("/v3/routes", route_body(stand, path="/p"))
    assert [route["path"] for route in stand.get("/v3/routes?hosts=a&paths=")["resources"]] == [""]
    assert [route["path"] for route in stand.get("/v3/routes?paths=%2Fp")["resources"]] == ["/p"]


def test_route_taken_is_refused(stand: Stand) -> None:
    stand.post("/v3/routes", route_body(stand))
    (sentence,) = stand.details("POST", "/v3/routes", route_body(stand, host="A"))
    assert sentence == "Route already exists with host 'a' for domain 'apps.test'."


@pytest.mark.parametrize(
    "more", [{"host": ""}, {"host": "a.b"}, {"host": "*"}, {"path": "p"}, {"path": "/p?"}]
)
def test_route_bad_host_or_path_is_refused(stand: Stand, more: dict[str, str]) -> None:
    assert stand.details("POST", "/v3/routes", route_body(stand, **more))


def test_route_destination_in_another_space_is_refused(stand: Stand) -> None:
    organization = stand.get("/v3/organizations")["resources"][0]["guid"]
    relation = {"organization": {"data": {"guid": organization}}}
    space = stand.post("/v3/spaces", {"name": "s", "relationships": relation})["guid"]
    body = {"name": "x", "relationships": {"space": {"data": {"guid": space}}}}
    app = stand.post("/v3/apps", body)["guid"]
    guid = stand.post("/v3/routes", route_body(stand))["guid"]
    target = {"destinations": [{"app": {"guid": app}}]}
    sentences = stand.details("POST", f"/v3/routes/{guid}/destinations", target)
    assert sentences == ["Routes cannot be mapped to destinations in different spaces"]


def test_organization_and_space_repeated_have_the_sentences_that_the_cli_swallows(stand: Stand) -> None:
    assert stand.details("POST", "/v3/organizations", {"name": "local"}) == [
        "Organization 'local' already exists."
    ]
    guid = stand.post("/v3/organizations", {"name": "o"})["guid"]
    body = {"name": "s", "relationships": {"organization": {"data": {"guid": guid}}}}
    stand.post("/v3/spaces", body)
    assert stand.details("POST", "/v3/spaces", body) == ["Name must be unique per organization"]
    included = stand.get(f"/v3/spaces?organization_guids={guid}&include=organization")["included"]
    assert included["organizations"][0]["name"] == "o"
    assert stand.get(f"/v3/organizations/{guid}/domains/default")["name"] == "apps.test"


def test_role_is_given_once(stand: Stand) -> None:
    user = {"data": {"username": "admin", "origin": "uaa"}}
    body = {
        "type": "space_developer",
        "relationships": {"space": {"data": {"guid": stand.space}}, "user": user},
    }
    assert stand.post("/v3/roles", body)["type"] == "space_developer"
    assert stand.details("POST", "/v3/roles", body) == ["User 'admin' already has 'space_developer' role."]
    assert stand.details("POST", "/v3/roles", {**body, "type": "organization_user"})


def test_stacks_say_what_their_root_file_system_is(stand: Stand) -> None:
    stacks = stand.get("/v3/stacks")["resources"]
    assert [(stack["name"], stack["default"], stack["metadata"]["labels"]["rootfs"]) for stack in stacks] == [
        ("cflinuxfs4", True, "stand-in"),
        ("other", False, "official"),
    ]


def test_organization_quota_limits_nothing(stand: Stand) -> None:
    relation = stand.get("/v3/organizations")["resources"][0]["relationships"]["quota"]["data"]["guid"]
    assert stand.get(f"/v3/organization_quotas/{relation}")["apps"]["total_memory_in_mb"] is None
