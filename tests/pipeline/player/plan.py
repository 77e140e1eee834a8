"""A build, and what the steps of its plan share."""

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.pipeline.player import shape, variables
from tests.pipeline.player.containers import Place
from tests.pipeline.player.resources import Version
from tests.pipeline.player.tasks import Ran


@dataclass
class Build:
    """A job's run; `inputs` are the versions of its gets, `versions` those of all its resources."""

    job: str
    number: int
    inputs: Mapping[str, Version]
    versions: dict[str, Version] = field(default_factory=dict)
    status: str = "started"
    tasks: list[Ran] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """All that was printed."""
        return "".join(self.said)

    def say(self, line: str) -> None:
        """Add a line of Concourse's own."""
        self.said.append(f"{line}\n")


@dataclass
class Plan:
    """What a build's steps share; `own`, `around` and `local` are those of the scope that a step is in."""

    build: Build
    config: shape.Config
    credentials: Mapping[str, Any] = field(repr=False)
    folder: Path
    place: Place
    strike: Callable[[str], bool]
    set_pipeline: Callable[[str, str], None]
    own: dict[str, Path] = field(default_factory=dict)
    around: Mapping[str, Path] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)

    @property
    def artifacts(self) -> ChainMap[str, Path]:
        """The artifacts that a step sees, by name; new ones become the scope's own."""
        return ChainMap(self.own, dict(self.around))

    def scope(self, **local: Any) -> "Plan":
        """Return the same with artifacts of its own, which nothing outside of it will see."""
        return replace(self, own={}, around=self.artifacts, local={**self.local, **local})

    def source(self, name: str) -> tuple[str, Mapping[str, Any]]:
        """Return the type and the source of a resource, credentials filled in."""
        one = next(one for one in self.config["resources"] if one["name"] == name)
        return one["type"], variables.fill_all(one["source"], self.credentials, {})
