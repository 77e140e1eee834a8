"""The registry-image resource, with the Docker engine for a registry: a version is an image's id."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.pipeline.player.errors import RefusedError, ScriptError

SOURCE = frozenset({"repository", "tag", "insecure", "ca_certs", "username", "password"})
IMAGE = "image-id"
Source = Mapping[str, Any]
Version = Mapping[str, str]


def check(source: Source, last: Version | None, seconds: float) -> list[Version]:
    """Return the image that has the tag; nothing where there is none."""
    import docker
    from docker.errors import ImageNotFound

    if not isinstance(source["tag"], str):
        raise ScriptError(f"registry-image: the tag is {source['tag']!r}")
    try:
        found = docker.from_env().images.get(f"{source['repository']}:{source['tag']}")
    except ImageNotFound:
        return []
    return [{"tag": source["tag"], "digest": str(found.id)}]


def get(source: Source, version: Version, params: Source, into: Path, seconds: float) -> None:
    """Write the image's id, which tasks take in place of the root file system that the real one unpacks."""
    if params:
        raise RefusedError(f"registry-image: params of get are not played: {', '.join(params)}")
    into.mkdir()
    (into / IMAGE).write_text(version["digest"], encoding="utf-8")


def put(source: Source, params: Source, folder: Path, seconds: float) -> Version:
    """Refuse: tests make images themselves."""
    raise RefusedError("registry-image: put is not played")
