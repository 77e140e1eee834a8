"""What the apps of a foundation were staged with: the buildpacks of their current droplets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from releaser.tools.cf.session import ApiRefusedError, Session, pages, request, resources

PAGE = 200
AT_ONCE = 50  # guids in one question: a URL has a limit


@dataclass(frozen=True, kw_only=True)
class Used:
    """A buildpack's part in a droplet: the name it was asked for by, and what it calls itself."""

    asked: str
    name: str | None
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Staged:
    """An app with a current droplet, its state, stack, and buildpacks in their order."""

    organization: str
    space: str
    name: str
    started: bool
    stack: str | None
    buildpacks: tuple[Used, ...]


def staged_apps(session: Session) -> list[Staged]:
    """Return every app that the user may see and that has a droplet, by organization, space and name."""
    places: dict[str, tuple[str, str]] = {}
    apps = list(_apps(session, places))
    current = {app["guid"]: _current(session, app) for app in apps}
    droplets = _droplets(session, [guid for guid in current.values() if guid])
    found = [
        _staged(app, places, droplets[guid])
        for app in apps
        if (guid := current[app["guid"]]) is not None and guid in droplets
    ]
    return sorted(found, key=lambda one: (one.organization, one.space, one.name))


def _apps(session: Session, places: dict[str, tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
    """Yield the API's objects of apps; fills in where each space is."""
    query = {"include": "space,space.organization", "per_page": str(PAGE)}
    for page in pages(session, "/v3/apps", what="list the apps", **query):
        included = page.get("included") or {}
        organizations = {one["guid"]: one["name"] for one in included.get("organizations", ())}
        for space in included.get("spaces", ()):
            organization = space["relationships"]["organization"]["data"]["guid"]
            places[space["guid"]] = organizations.get(organization, organization), space["name"]
        yield from page["resources"]


def _current(session: Session, app: Mapping[str, Any]) -> str | None:
    """Return the guid of the current droplet; an older API does not say it with the app."""
    if "current_droplet" in app["relationships"]:
        data = app["relationships"]["current_droplet"]["data"]
        return str(data["guid"]) if data else None
    path = f"/v3/apps/{app['guid']}/relationships/current_droplet"
    try:
        answer = request(session, "get", path, what=f"look for the droplet of {app['name']}").json()
    except ApiRefusedError as error:
        if error.status == 404:
            return None
        raise
    return str(answer["data"]["guid"])


def _droplets(session: Session, guids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for first in range(0, len(guids), AT_ONCE):
        asked = ",".join(guids[first : first + AT_ONCE])
        rows = resources(
            session, "/v3/droplets", what="read the droplets", guids=asked, per_page=str(AT_ONCE)
        )
        found |= {str(row["guid"]): row for row in rows}
    return found


def _staged(
    app: Mapping[str, Any], places: Mapping[str, tuple[str, str]], droplet: Mapping[str, Any]
) -> Staged:
    guid = app["relationships"]["space"]["data"]["guid"]
    organization, space = places.get(guid, ("", guid))
    rows = droplet.get("buildpacks") or ()
    return Staged(
        organization=organization,
        space=space,
        name=app["name"],
        started=app["state"] == "STARTED",
        stack=droplet.get("stack"),
        buildpacks=tuple(
            Used(asked=row["name"], name=row.get("buildpack_name"), version=row.get("version"))
            for row in rows
        ),
    )
