"""The engine's images, whole: taken in from a tar, built, saved, loaded, pushed to a registry."""

import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from host.errors import HostError
from host.machine import here
from host.probe import client

if TYPE_CHECKING:
    from docker import APIClient

Say = Callable[[str], None]
LONGEST_SILENCE_S = 900  # of the engine, amid a step that prints nothing, or a layer that is stored
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # in which engines show what a step says on its standard error
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
USER, PASSWORD = "REGISTRY_USERNAME", "REGISTRY_PASSWORD"  # names of variables


def there(image: str) -> bool:
    """Say whether the engine has an image of this name."""
    with _engine("look for an image") as engine:
        return bool(engine.images(image))


def take_in(tar: Path, image: str, labels: Mapping[str, str]) -> None:
    """Make an image of one layer from the tar of a file system."""
    repository, _, tag = image.rpartition(":")
    changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
    with _engine(f"import {image}") as engine:
        engine.import_image_from_file(str(tar), repository=repository, tag=tag, changes=changes)
        if not engine.images(image):
            raise HostError(f"the Docker engine did not make {image} of {tar}", "See the engine's own log.")


def build(folder: Path, image: str, base: str, labels: Mapping[str, str], say: Say) -> None:
    """Build an image from a folder with a Dockerfile whose argument BASE is an image.

    Steps have this machine's own network and proxies, which stay out of the image; stages whose label
    train.build is the argument BUILD are removed. `say` gets a line for each step and what it prints.
    Raises HostError with the last of these lines.
    """
    proxies = {name: value for name, value in os.environ.items() if name.lower() in PROXIES}
    ours = str(uuid.uuid4())
    with _engine(f"build {image}") as engine:
        _authenticate(engine, base)
        events = engine.build(
            path=str(folder),
            tag=image,
            buildargs={"BASE": base, "BUILD": ours, **proxies},
            labels=dict(labels),
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        try:
            _follow(f"build {image}", events, say)
        finally:
            for stage in engine.images(filters={"label": f"train.build={ours}", "dangling": True}):
                engine.remove_image(stage["Id"], force=True)


def save(names: Sequence[str], into: Path) -> None:
    """Write images, with their names and labels, to one tar that an engine loads."""
    growing = into.with_name(f"{into.name}.new")
    with _engine(f"save {', '.join(names)}") as engine:
        raw = cast("Any", engine)  # the SDK's own call takes one name alone
        found = raw._get(raw._url("/images/get"), params={"names": list(names)}, stream=True)
        raw._raise_for_status(found)
        with growing.open("wb") as file:
            for chunk in found.iter_content(1 << 20):
                file.write(chunk)
    growing.replace(into)


def load(tar: Path) -> None:
    """Give the engine the images of a tar."""
    with _engine(f"load {tar}") as engine, tar.open("rb") as file:
        raw = cast("Any", engine)  # the stubs leave what this call takes untyped
        for event in raw.load_image(file) or ():
            if "error" in event:
                raise HostError(f"the Docker engine cannot load {tar}: {event['error']}", "Make it anew.")


def name(image: str, further: str) -> None:
    """Give an image a further name."""
    repository, _, tag = further.rpartition(":")
    with _engine(f"name {further}") as engine:
        engine.tag(image, repository, tag=tag)


def push(image: str, say: Say) -> None:
    """Push an image to the registry in its name, as REGISTRY_USERNAME, else as Docker's settings say."""
    repository, _, tag = image.rpartition(":")
    with _engine(f"push {image}") as engine:
        _authenticate(engine, image)
        _follow(f"push {image}", engine.push(repository, tag=tag, stream=True, decode=True), say)


def _authenticate(engine: "APIClient", image: str) -> None:
    """Use the user of the environment for the registry of an image, where one is given."""
    host, slash, _ = image.partition("/")
    if slash and os.environ.get(USER):
        engine.login(os.environ[USER], os.environ.get(PASSWORD, ""), registry=host, reauth=True)


def _follow(what: str, events: Any, say: Say) -> None:
    """Hand over what the engine says; raises HostError where it says that it failed."""
    said: list[str] = []
    for event in events:
        for line in str(event.get("stream", "")).splitlines():
            if COLOURS.sub("", line).strip():
                said.append(COLOURS.sub("", line).rstrip())
                say(said[-1])
        if "error" in event:
            last = "\n".join([*said[-15:], str(event["error"])])
            raise HostError(f"the Docker engine could not {what}:\n{last}")


@contextmanager
def _engine(what: str) -> Iterator["APIClient"]:
    """Yield a connection to the engine; raises HostError where it fails at what is done with it."""
    import requests
    from docker.errors import DockerException

    try:
        with client(here(), LONGEST_SILENCE_S) as engine:
            yield engine
    except (DockerException, requests.RequestException) as error:
        raise HostError(
            f"the Docker engine could not {what}: {error}", "`./inv doctor` may say why."
        ) from error
