"""Reads ci/ and sidecar.yml as Concourse does: YAML, the steps in it, and the ((variables))."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from releaser import config
from releaser.errors import ConfigError
from releaser.model import CONFIGURATION
from releaser.sections import Config

MAIN, IMAGE = Path("ci/pipeline.yml"), Path("ci/image.yml")
SETTINGS = Path(CONFIGURATION)
PRODUCTION = "production"
REFERENCE = re.compile(r'\(\(([-/.:@"\w]+)\)\)')
LOCAL = ".:"  # of an `across` or `load_var`: Concourse fills them in, not whoever sets the pipeline
STEPS = ("get", "put", "task", "set_pipeline", "load_var")


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout's pipelines, and the settings that fill them in: typed, and as they stand in the file."""

    root: Path
    environment: str
    settings: Config
    values: Mapping[str, Any]
    pipelines: Mapping[Path, Mapping[str, Any]]


def checkout(root: Path, environment: str) -> Checkout:
    """Read a checkout for an environment of its sidecar.yml; raises ConfigError."""
    settings = config.load(root / SETTINGS)
    layers = {**settings.environments, PRODUCTION: {}}
    if environment not in layers:
        raise ConfigError(
            f"no pipeline can release to '{environment}'", f"sidecar.yml knows: {', '.join(sorted(layers))}."
        )
    layer = layers[environment]
    return Checkout(
        root=root,
        environment=environment,
        settings=config.with_sections(settings, layer),
        values=config.overlay(read(root / SETTINGS), layer),
        pipelines={path: read(root / path) for path in (MAIN, IMAGE) if (root / path).exists()},
    )


def read(path: Path) -> dict[str, Any]:
    """Read a file that holds a map; raises ConfigError."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path.name} cannot be read: {error.strerror}", f"It was looked for at {path}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path.name} is not valid YAML: {error}", "Mend the line that it names."
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path.name} is no map", f"It was read from {path}.")
    return found


def texts(node: Any) -> Iterator[str]:
    """Yield every text of a document, keys too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from (*texts(key), *texts(value))
    elif isinstance(node, list):
        for one in node:
            yield from texts(one)


def variables(node: Any) -> Iterator[tuple[str, bool]]:
    """Yield the name in each ((variable)) that is given from outside, and whether it is a whole text."""
    for text in texts(node):
        for name in REFERENCE.findall(text):
            if not name.startswith(LOCAL):
                yield name, text == f"(({name}))"


def steps(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every step of a job or a list of them, however deep: below in_parallel, across, try and hooks."""
    if isinstance(node, Mapping):
        if any(isinstance(node.get(kind), str) for kind in STEPS):
            yield node
        for value in node.values():
            yield from steps(value)
    elif isinstance(node, list):
        for one in node:
            yield from steps(one)


def inside(step: Mapping[str, Any]) -> Path:
    """Return where a step's file is in the checkout: what follows the artifact's name."""
    return Path(str(step["file"]).partition("/")[2])


def task(checkout: Checkout, step: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a task step runs: what its file holds, or its own config."""
    return read(checkout.root / inside(step)) if "file" in step else dict(step.get("config", {}))


def at(values: Mapping[str, Any], dotted: str) -> Any:
    """Return the value of a key such as `s3.bucket`; raises KeyError where the file does not have it."""
    value: Any = values
    for part in dotted.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise KeyError(dotted)
        value = value[part]
    return value
