"""What has been, versions and builds, and which versions a job's next build would take."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.pipeline.player import shape
from tests.pipeline.player.plan import Build
from tests.pipeline.player.resources import Version
from tests.pipeline.player.shape import Config, Step

Chosen = Mapping[str, Version]


@dataclass
class History:
    """Versions are kept by a resource's name and source: one whose source changes begins anew."""

    versions: dict[str, list[Version]] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)

    def of(self, config: Config, name: str) -> list[Version]:
        """Return a resource's versions as it is configured now, the newest last; may be added to."""
        one = next(one for one in config["resources"] if one["name"] == name)
        return self.versions.setdefault(json.dumps([name, one["type"], one["source"]], sort_keys=True), [])

    def add(self, config: Config, name: str, found: Sequence[Version]) -> None:
        """Note versions; those that were known stay where they are."""
        known = self.of(config, name)
        known += [one for one in found if one not in known]

    def inputs(self, config: Config, job: Mapping[str, Any]) -> Chosen:
        """Return the version of each get for which there is one; those with `passed` come all or none."""
        found: dict[str, Version] = {}
        passed = [step for step in gets(job) if step.get("passed")]
        for step in gets(job):
            known = self.of(config, shape.resource(step))
            if step not in passed and known:
                found[step["get"]] = known[-1]
        upstream = sorted({name for step in passed for name in step["passed"]})
        return {**found, **(self._agreed(config, passed, upstream, {}) or {})}

    def _agreed(
        self, config: Config, passed: list[Step], upstream: list[str], chosen: Chosen
    ) -> Chosen | None:
        """Return versions of which each upstream job has one successful build with all that ask for it."""
        if not upstream:
            return chosen
        asking = [step for step in passed if upstream[0] in step["passed"]]
        for build in reversed(self.builds):
            if build.job != upstream[0] or build.status != "succeeded":
                continue
            found = {step["get"]: build.versions.get(shape.resource(step)) for step in asking}
            agree = all(
                found[step["get"]] in self.of(config, shape.resource(step))
                and chosen.get(step["get"], found[step["get"]]) == found[step["get"]]
                for step in asking
            )
            more = {**chosen, **{name: one for name, one in found.items() if one is not None}}
            rest = self._agreed(config, passed, upstream[1:], more) if agree else None
            if rest is not None:
                return rest
        return None

    def triggers(self, job: Mapping[str, Any], chosen: Chosen) -> bool:
        """Say whether a get with `trigger` has a version that no build of the job has had."""
        before = [build.inputs for build in self.builds if build.job == job["name"]]
        return any(
            step.get("trigger") and all(had.get(step["get"]) != chosen[step["get"]] for had in before)
            for step in gets(job)
        )


def gets(job: Mapping[str, Any]) -> Iterator[Step]:
    """Yield the gets of a job."""
    return (step for step in shape.steps(job) if "get" in step)
