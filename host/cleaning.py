"""Removes what the project left in the Docker engine, and says what stays on the machine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host import engine, packages
from host.machine import Machine, here
from host.probe import client, probe

if TYPE_CHECKING:
    from docker import APIClient

CONFLICT = 409  # a container is being removed already; anything else is in use


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What was removed, and what was left and why: one line each."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def clean(label: str, images: Sequence[str], *, folder: Path, machine: Machine | None = None) -> Cleaned:
    """Remove all that carries this label (NAME=VALUE) and the images of these names, where * stands for any.

    What others use is left. `folder` holds the notes about packages and the engine.
    """
    machine = machine or here()
    cleaned = Cleaned()
    answer = probe(machine)
    if answer.state == "answers":
        with client(machine) as docker:
            _clean_engine(docker, label, images, cleaned)
    else:
        cleaned.left.append(f"all in Docker that is labelled {label}, if anything is: {answer.said}")
    cleaned.left.extend(_machine_wide(folder, machine))
    return cleaned


def _clean_engine(docker: "APIClient", label: str, images: Sequence[str], cleaned: Cleaned) -> None:
    """Remove what uses other things before what is used."""
    filters = {"label": label}
    for each in docker.containers(all=True, filters=filters):
        name = each["Names"][0].lstrip("/") if each["Names"] else each["Id"][:12]
        going = partial(docker.remove_container, each["Id"], v=True, force=True)
        _remove(f"container {name}", going, cleaned)
    for each in docker.networks(filters=filters):
        _remove(f"network {each['Name']}", partial(docker.remove_network, each["Id"]), cleaned)
    for each in docker.volumes(filters=filters)["Volumes"] or ():
        _remove(f"volume {each['Name']}", partial(docker.remove_volume, each["Name"]), cleaned)
    for name in _images(docker, label, images):
        _remove(f"image {name}", partial(docker.remove_image, name), cleaned)


def _images(docker: "APIClient", label: str, images: Sequence[str]) -> list[str]:
    """Return the images by their tags, each of which has to go, or by their ids where they have none."""
    wanted = [{"label": label}, *({"reference": image} for image in images)]
    found: list[dict[str, Any]] = [image for filters in wanted for image in docker.images(filters=filters)]
    names = (name for image in found for name in _tags(image) or [image["Id"]])
    return list(dict.fromkeys(names))


def _tags(image: Mapping[str, Any]) -> list[str]:
    return [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]  # engines before 23 say so


def _remove(what: str, going: Callable[[], object], cleaned: Cleaned) -> None:
    """Remove one thing; one that is gone or going is fine, one that is in use is left."""
    from docker.errors import APIError, NotFound

    try:
        going()
    except NotFound:
        return
    except APIError as error:
        if not (what.startswith("container ") and error.status_code == CONFLICT):
            cleaned.left.append(f"{what}: {error.explanation or error}")
            return
    cleaned.removed.append(what)


def _machine_wide(folder: Path, machine: Machine) -> Iterator[str]:
    sudo = "sudo " if machine.uid else ""
    if names := packages.noted(folder):
        listed = " ".join(names)
        yield f"packages that were installed: {listed} (to remove them: {sudo}apt-get remove {listed})"
    if stop := engine.noted(folder):
        yield f"the Docker engine that was started (to stop it: {stop})"
