"""Reads YAML as it is meant: a key that is there twice is an error, where YAML would take the last one."""

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a map; raises ConstructorError for a key that was there before."""
        seen: set[Any] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            name = self.construct_object(key, deep=True)
            if name in seen:
                problem = f"the key '{name}' is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    """Return what the text holds; raises YAMLError."""
    return yaml.load(text, _Loader)  # noqa: S506  # it is a safe loader
