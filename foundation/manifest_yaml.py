"""App manifests as YAML: what may be in the file at all, and one spelling for its keys."""

from collections.abc import Mapping
from typing import Any

import yaml

from foundation import errors

DEEPEST = 50  # levels


def load(body: bytes) -> list[dict[str, Any]]:
    """Return the applications of a manifest as mappings with unified keys."""
    try:
        _check_events(body)
        content = yaml.load(body, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise errors.parse_error() from error
    applications = content.get("applications") if isinstance(content, dict) else None
    if not isinstance(applications, list) or not applications:
        raise errors.unprocessable(
            "Manifest must have an array of at least one application as 'applications'"
        )
    if not all(isinstance(application, dict) for application in applications):
        raise errors.unprocessable("Each of 'applications' must be a mapping")
    return [unified(application) for application in applications]


def _check_events(body: bytes) -> None:
    depth = 0
    for event in yaml.parse(body, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise errors.bad_request("Manifest does not support Anchors and Aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise errors.bad_request(f"Manifest is nested more than {DEEPEST} levels deep")


def unified(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a mapping with `_` in place of `-` in its keys."""
    return {str(key).replace("-", "_"): value for key, value in mapping.items()}
