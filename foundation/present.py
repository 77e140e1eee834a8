"""The pieces that every resource's JSON is made of: header, links, relationships, metadata."""

from collections.abc import Mapping
from typing import Any

from foundation.rows.base import Row

Json = dict[str, Any]


def header(row: Row) -> Json:
    """Return what every resource begins with."""
    return {"guid": row.guid, "created_at": row.created_at, "updated_at": row.updated_at}


def links(api: str, paths: Mapping[str, str]) -> Json:
    """Return links by name, all of them absolute; `POST /path` names another method than GET."""
    found: Json = {}
    for name, path in paths.items():
        method, space, rest = path.rpartition(" ")
        found[name] = {"href": f"{api}{rest}"}
        if space:
            found[name]["method"] = method
    return found


def related(guid: str | None) -> Json:
    """Return a to-one relationship."""
    return {"data": {"guid": guid} if guid else None}


def merged(
    metadata: Mapping[str, Mapping[str, str]], changes: Mapping[str, Mapping[str, str | None]]
) -> Mapping[str, Mapping[str, str]]:
    """Return metadata with changes applied; a None removes a key."""
    return {
        part: {
            key: value
            for key, value in {**metadata[part], **changes.get(part, {})}.items()
            if value is not None
        }
        for part in ("labels", "annotations")
    }
