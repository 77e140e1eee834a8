"""The types of resources that are played, and what a version is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.pipeline.player import git_resource, image_resource, s3_resource

Version = Mapping[str, str]
Source = Mapping[str, Any]


class Resource(Protocol):
    """What a type can do; `SOURCE` has the keys of its `source` that are played, each other one is refused.

    Each raises ScriptError where the real one ends with an error, and is to be done in so many seconds.
    """

    @property
    def SOURCE(self) -> frozenset[str]: ...  # noqa: N802  # a module's constant

    def check(self, source: Source, last: Version | None, seconds: float) -> list[Version]:
        """Return the last version, where it is still there, and those after it; at first only the newest."""

    def get(self, source: Source, version: Version, params: Source, into: Path, seconds: float) -> None:
        """Write a version's files into an empty folder."""

    def put(self, source: Source, params: Source, folder: Path, seconds: float) -> Version:
        """Make a version of what lies in the folder, one folder for each input."""


TYPES: Mapping[str, Resource] = {
    "git": git_resource,
    "s3": s3_resource,
    "registry-image": image_resource,
}
