"""Reads sidecar.yml: reports every problem at once, lays an environment over it."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from releaser.errors import ConfigError
from releaser.sections import NAMED, Config, Section
from releaser.tools import strict_yaml

USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
# What a release cannot do without, outside the embedded environment.
NEEDED = (
    "s3.bucket",
    "s3.public_url",
    "git.remote",
)
LAYERED = ("s3", "git", "foundation", "acceptance", "signing")


def load(path: Path) -> Config:
    """Read the file as it stands; raises ConfigError with every problem in it."""
    raw = _read(path)
    config = _checked(raw, path.name)
    for name, layer in config.environments.items():
        _checked(overlay(raw, layer), f"{path.name}, environment {name}")
    return config


def for_environment(path: Path, environment: str) -> Config:
    """Read the file with the named environment's differences laid over it; nothing needed may be missing."""
    raw = _read(path)
    layers = load(path).environments
    if environment != "production" and environment not in layers:
        known = ", ".join(sorted({"embedded", "production", *layers}))
        raise ConfigError(f"there is no environment '{environment}' in {path.name}", f"It knows: {known}.")
    config = _checked(overlay(raw, layers.get(environment, {})), f"{path.name}, environment {environment}")
    missing = [key for key in NEEDED if not at(config, key)]
    if missing:
        raise ConfigError(
            f"environment '{environment}' lacks {', '.join(missing)}",
            f"Set them in {path.name}, or run without --env to release to the embedded environment.",
        )
    return config


def of_commit(content: bytes, commit: str, environment: str) -> Config:
    """Return the file of another commit with the environment's differences; raises ConfigError."""
    name = f"sidecar.yml of {commit[:12]}"
    raw = _parsed(content, name)
    layers = _checked(raw, name).environments
    return _checked(overlay(raw, layers.get(environment, {})), f"{name}, environment {environment}")


def overlay(raw: Mapping[str, Any], layer: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the raw file with each section of the layer merged in; raises ConfigError for other sections."""
    foreign = sorted(set(layer) - set(LAYERED))
    if foreign:
        raise ConfigError(
            f"an environment cannot change {', '.join(foreign)}", f"It can change: {', '.join(LAYERED)}."
        )
    return dict(raw) | {section: {**(raw.get(section) or {}), **values} for section, values in layer.items()}


def with_sections(config: Config, layer: Mapping[str, Mapping[str, Any]]) -> Config:
    """Return the config with some sections' values replaced, as the embedded environment does."""
    return _checked(overlay(config.model_dump(), layer), "the embedded environment")


def _read(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError(
            f"{path.name} cannot be read: {error.strerror}", "Run from a complete checkout."
        ) from error


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        raw = strict_yaml.load(content.decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is not valid YAML: {error}", "Mend the line that it names.") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{name} is not a map of settings", "See docs/configuration.md.")
    return raw


def _checked(raw: Mapping[str, Any], source: str) -> Config:
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors()]
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(
            f"{source} has {count}:\n" + "\n".join(f"  {line}" for line in problems),
            "docs/configuration.md describes every key.",
        ) from error


def _sentence(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _keys(problem["loc"][:-1]), n=1)
        return f"{where}: unknown key" + (f"; did you mean '{near[0]}'?" if near else "")
    if problem["type"] == "missing":
        return f"{where}: missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = USERINFO.sub("((credentials))", repr(problem["input"]))
    if NAMED in message:
        given = "a text that may be the secret itself"
    return f"{where}: {message[0].lower()}{message[1:]} (got {given})"


def _keys(location: tuple[str | int, ...]) -> list[str]:
    model: Any = Config
    for part in location:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)


def at(config: Config, key: str) -> object:
    """Return the value of a dotted key, such as `s3.bucket`."""
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Yield every key that the file may hold, dotted, sections before what is in them."""
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from keys(field.annotation, f"{prefix}{name}.")
