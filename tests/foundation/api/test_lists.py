"""Lists: pages, filters, order, included resources, and what is refused."""

import pytest

from tests.foundation.api.stand import Stand


def names(stand: Stand, query: str) -> list[str]:
    return [app["name"] for app in stand.get(f"/v3/apps?{query}")["resources"]]


@pytest.fixture
def three(stand: Stand) -> Stand:
    for name in ("b", "c", "a"):
        stand.create_app(name)
    return stand


def test_list_pages_follow_next_with_all_filters(three: Stand) -> None:
    path = f"/v3/apps?per_page=1&order_by=name&space_guids={three.space}"
    seen = []
    while path:
        page = three.get(path)
        seen += [app["name"] for app in page["resources"]]
        assert page["pagination"]["total_results"] == 3
        path = (page["pagination"]["next"] or {"href": ""})["href"].removeprefix("http://testserver")
    assert seen == ["a", "b", "c"]


def test_list_beyond_the_last_page_is_empty_with_resources(three: Stand) -> None:
    page = three.get("/v3/apps?page=9")
    assert (page["resources"], page["pagination"]["next"]) == ([], None)


def test_list_order_by_created_descending_begins_with_the_newest(three: Stand) -> None:
    assert names(three, "order_by=-created_at") == ["a", "c", "b"]


def test_list_filters_are_comma_lists_of_encoded_values(three: Stand) -> None:
    assert names(three, "names=a,c&order_by=name") == ["a", "c"]
    assert names(three, "names=x%252Cy") == []


def test_list_organization_filter_reaches_through_spaces(three: Stand) -> None:
    organization = three.get("/v3/organizations")["resources"][0]["guid"]
    assert len(names(three, f"organization_guids={organization}")) == 3
    assert names(three, "organization_guids=other") == []


def test_list_empty_filter_value_means_none(stand: Stand) -> None:
    stand.post("/v3/buildpacks", {"name": "any"})
    stand.post("/v3/buildpacks", {"name": "one", "stack": "cflinuxfs4"})
    found = stand.get("/v3/buildpacks?stacks=")["resources"]
    assert [buildpack["name"] for buildpack in found] == ["any"]


def test_list_include_space_and_organization_adds_each_once(three: Stand) -> None:
    included = three.get("/v3/apps?include=space,space.organization")["included"]
    assert [space["name"] for space in included["spaces"]] == ["local"]
    assert [organization["name"] for organization in included["organizations"]] == ["local"]


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "per_page=5001", "page=²", "order_by=state", "include=nothing", "colour=red"],
)
def test_list_bad_parameter_is_400_bad_query(stand: Stand, query: str) -> None:
    errors = stand.get(f"/v3/apps?{query}", 400)["errors"]
    assert (errors[0]["code"], errors[0]["title"]) == (10005, "CF-BadQueryParameter")
