"""Stagings under way on a foundation: which of them use a buildpack, and waiting for their end."""

from collections.abc import Callable, Mapping
from typing import Any

from releaser.errors import FoundationError
from releaser.tools.cf.session import Session, resources, wait_for


def wait_for_stagings(
    session: Session, *, name: str, stack: str, limit: float, say: Callable[[str], None]
) -> None:
    """Wait for the stagings that name this buildpack now; raises FoundationError after `limit` seconds.

    Those that begin meanwhile are not waited for: on a busy foundation there would be no end. Nor are those
    that name no buildpack: detection never chooses a supply buildpack.
    """
    waited = _running(session, name, stack)
    if not waited:
        return
    apps = ", ".join(_names(session, {_app(build) for build in waited.values()}))
    say(f"Waiting for {len(waited)} running stagings that use {name}: {apps}")

    def look() -> bool | None:
        return None if waited.keys() & _running(session, name, stack).keys() else True

    try:
        wait_for(look, limit=limit, what=f"staging of {apps} with {name}")
    except FoundationError as error:
        raise FoundationError(
            f"{error.message}; nothing was swapped",
            "Run it again when they have ended: `cf curl '/v3/builds?states=STAGING'` lists them.",
        ) from error


def _running(session: Session, name: str, stack: str) -> dict[str, Mapping[str, Any]]:
    """Return the builds that are STAGING with the buildpack, by guid."""
    builds = resources(session, "/v3/builds", what="list the running stagings", states="STAGING")
    found = {}
    for build in builds:
        data = build["lifecycle"].get("data") or {}
        if name in (data.get("buildpacks") or ()) and data.get("stack") in (stack, None):
            found[str(build["guid"])] = build
    return found


def _app(build: Mapping[str, Any]) -> str:
    return str(build["relationships"]["app"]["data"]["guid"])


def _names(session: Session, guids: set[str]) -> list[str]:
    rows = resources(session, "/v3/apps", what="name the apps that are staged", guids=",".join(sorted(guids)))
    return sorted(str(row["name"]) for row in rows)
