"""Reads YAML as fly does: a key is there once, and a merge key stands before what differs from it."""

from typing import Any

import yaml

from tests.pipeline.player.errors import RefusedError

MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value]
        names = [key.value for key in keys]
        for name in {name for name in names if names.count(name) > 1}:
            raise RefusedError(f"the key '{name}' is there twice{keys[0].start_mark}")
        # fly's library lets a merge overwrite the keys before it, other libraries do not.
        if any(key.tag == MERGE for key in keys[1:]):
            raise RefusedError(f"a merge key is not the first one of its map{keys[0].start_mark}")
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """Return what the text holds; raises RefusedError."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # it is a safe loader
    except yaml.YAMLError as error:
        raise RefusedError(f"it is no YAML: {error}") from error
