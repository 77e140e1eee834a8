"""The engine's images: which are there, and how a new one gets in."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from foundation.engine.asking import answering
from foundation.engine.engine import Engine
from foundation.failures import EngineError

PROBE_S = 4
LONGEST_SILENCE_S = 60  # of a registry amid a pull


def label_of(engine: Engine, image: str, label: str) -> str | None:
    """Return an image's label, "" where it has none, None where there is no such image."""
    with answering("list the images"):
        found = engine.client.images(image)
    return (found[0].get("Labels") or {}).get(label, "") if found else None


def tag_labelled(engine: Engine, label: str, value: str, image: str) -> bool:
    """Give an image that has this label a further name; say whether there was one."""
    repository, _, tag = image.rpartition(":")
    with answering(f"name {image}"):
        found = engine.client.images(filters={"label": f"{label}={value}"})
        return bool(found) and engine.client.tag(found[0]["Id"], repository, tag=tag)


def offered(engine: Engine, image: str) -> bool:
    """Say whether a registry offers this image to the engine and says so within seconds."""
    hasty = replace(engine, timeout_s=PROBE_S)
    try:
        with answering(f"ask the registry for {image}"):
            cast("Any", hasty.client).inspect_distribution(image)  # the stubs leave its argument untyped
    except EngineError:
        return False
    return True


def pull(engine: Engine, image: str, say: Callable[[str], None]) -> None:
    """Pull an image; raises EngineError where the registry fails or falls silent."""
    patient = replace(engine, timeout_s=LONGEST_SILENCE_S)
    repository, _, tag = image.rpartition(":")
    with answering(f"pull {image}"):
        for event in patient.client.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                raise EngineError(f"the Docker engine cannot pull {image}: {event['error']}")
            if event.get("status") == "Pull complete":
                say(f"{image}: layer {event.get('id', '')} is here")


def take_in(engine: Engine, tar: Path, image: str, labels: Mapping[str, str]) -> None:
    """Make an image from the tar of a file system."""
    repository, _, tag = image.rpartition(":")
    changes = [f"LABEL {_quoted(name)}={_quoted(value)}" for name, value in labels.items()]
    with answering(f"import {image}"):
        said = engine.client.import_image_from_file(str(tar), repository=repository, tag=tag, changes=changes)
    if label_of(engine, image, "") is None:
        raise EngineError(f"the Docker engine did not make {image}: {said}")


def _quoted(word: str) -> str:
    """Quote a word for a line of a Dockerfile."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
