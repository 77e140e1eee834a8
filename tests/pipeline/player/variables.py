"""Replaces ((variables)): a file's when the pipeline is set, credentials and local ones in each step."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.pipeline.player.errors import RefusedError, StepError

REFERENCE = re.compile(r'\(\(([-/.:@"\w]+)\)\)')
LOCAL = ".:"
Values = Mapping[str, Any]


def names(node: Any) -> Iterator[str]:
    """Yield the name in each ((name)) of a text, list or map, in keys too."""
    if isinstance(node, str):
        yield from REFERENCE.findall(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from (*names(key), *names(value))
    elif isinstance(node, list):
        for one in node:
            yield from names(one)


def fill(node: Any, values: Values, prefix: str = "") -> Any:
    """Return the node with the variables that there are; the others stay. Raises RefusedError.

    A text that is nothing but a variable becomes the value as it is, of whatever type. What a value holds is
    not looked into: there ((name)) is text.
    """
    if isinstance(node, Mapping):
        return {fill(k, values, prefix): fill(v, values, prefix) for k, v in node.items()}
    if isinstance(node, list):
        return [fill(one, values, prefix) for one in node]
    if not isinstance(node, str):
        return node
    whole = REFERENCE.fullmatch(node)
    if whole and _is_known(whole[1], values, prefix):
        return _value(whole[1].removeprefix(prefix), values)
    return REFERENCE.sub(lambda found: _text(found, values, prefix), node)


def fill_all(node: Any, credentials: Values, local: Values) -> Any:
    """Return the node without any variable left; raises StepError for one that is not there."""
    known = fill(node, local, LOCAL)
    missing = sorted({name for name in names(known) if not _is_known(name, credentials, "")})
    if missing:
        raise StepError(f"undefined vars: {', '.join(missing)}")
    return fill(known, credentials)


def _is_known(name: str, values: Values, prefix: str) -> bool:
    local = name.startswith(LOCAL)
    if not local and ":" in name:
        raise RefusedError(f"(({name})) asks for a var_source, which is not played")
    return local == bool(prefix) and name.removeprefix(prefix).partition(".")[0] in values


def _value(path: str, values: Values) -> Any:
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise RefusedError(f"missing field '{part}' in var: {path}")
        found = found[part]
    return found


def _text(found: "re.Match[str]", values: Values, prefix: str) -> str:
    if not _is_known(found[1], values, prefix):
        return found[0]
    value = _value(found[1].removeprefix(prefix), values)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RefusedError(f"cannot interpolate {value!r} into a longer text: {found[1]}")
    return str(value)
