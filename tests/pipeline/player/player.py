"""Plays a pipeline as Concourse does, from versions to builds, until nothing is triggered any more."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.pipeline.player import containers, history, reading, shape, steps, variables
from tests.pipeline.player.containers import Place
from tests.pipeline.player.errors import RefusedError, ScriptError, StepError
from tests.pipeline.player.history import Chosen, History
from tests.pipeline.player.plan import Build, Plan
from tests.pipeline.player.resources import TYPES

MOST_ROUNDS = 12
PATIENCE_S = 60


def configure(pipeline: str, values: str) -> shape.Config:
    """Return a pipeline with the variables of a file filled in; raises RefusedError."""
    config = variables.fill(reading.load(pipeline), reading.load(values))
    shape.check(config)
    return dict(config)


@dataclass
class Player:
    """A pipeline that is set; `credentials` stand for the credential manager, `strike` may kill a task.

    `silent` says of resources why their check fails.
    """

    folder: Path
    credentials: Mapping[str, Any] = field(repr=False)
    place: Place
    config: shape.Config = field(default_factory=dict)
    history: History = field(default_factory=History)
    silent: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    strike: Callable[[str], bool] = lambda _task: False
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def set(self, pipeline: str, values: str) -> None:
        """Do what fly set-pipeline does; it counts from the next build on. Raises RefusedError."""
        self.config = configure(pipeline, values)

    def close(self) -> None:
        """Remove the caches of all tasks."""
        containers.forget(self.place)

    def play(self) -> list[Build]:
        """Run all that is triggered, and what that triggers, to the end."""
        return list(self.builds())

    def builds(self) -> Iterator[Build]:
        """Run build by build; what happens in the world between them counts.

        Jobs that are triggered at the same time run with the pipeline as it was then: in truth they run at
        once, and one of them may be the one that sets the pipeline.
        """
        for _ in range(MOST_ROUNDS):
            config = self.config
            due = [self._job(config, name) for name in self.due()]
            if not due:
                return
            for job in due:
                yield self._run(config, job)
        raise AssertionError(f"it does not come to rest: {[build.job for build in self.history.builds]}")

    def trigger(self, name: str) -> Build:
        """Run a job as somebody does who presses its button."""
        self.check()
        return self._run(self.config, self._job(self.config, name))

    def waiting(self) -> dict[str, list[str]]:
        """Return the jobs that cannot begin, and the gets for which there is no version."""
        found = {job["name"]: self._missing(self.config, job) for job in self.config["jobs"]}
        return {name: missing for name, missing in found.items() if missing}

    def due(self) -> list[str]:
        """Return the jobs that are triggered now."""
        self.check()
        return [job["name"] for job in self.config["jobs"] if self._is_due(self.config, job)]

    def inputs(self, name: str) -> Chosen:
        """Return the versions that a job would take now."""
        return self.history.inputs(self.config, self._job(self.config, name))

    def check(self) -> None:
        """Look for new versions of every resource; a check that fails leaves what there was."""
        for one in self.config["resources"]:
            known = self.history.of(self.config, one["name"])
            try:
                source = variables.fill_all(one["source"], self.credentials, {})
                found = TYPES[one["type"]].check(source, known[-1] if known else None, PATIENCE_S)
            except (ScriptError, StepError, TimeoutError) as error:
                self.silent[one["name"]] = str(error)
            else:
                self.silent.pop(one["name"], None)
                self.history.add(self.config, one["name"], found)

    def _job(self, config: shape.Config, name: str) -> Mapping[str, Any]:
        return next(job for job in config["jobs"] if job["name"] == name)

    def _missing(self, config: shape.Config, job: Mapping[str, Any]) -> list[str]:
        chosen = self.history.inputs(config, job)
        return [
            step["get"]
            for step in history.gets(job)
            if step["get"] not in chosen or (not step.get("passed") and shape.resource(step) in self.silent)
        ]

    def _is_due(self, config: shape.Config, job: Mapping[str, Any]) -> bool:
        if job["name"] in self.paused or self._missing(config, job):
            return False
        return self.history.triggers(job, self.history.inputs(config, job))

    def _run(self, config: shape.Config, job: Mapping[str, Any]) -> Build:
        chosen: Chosen = self.history.inputs(config, job)
        missing = self._missing(config, job)
        if missing:
            raise RefusedError(f"{job['name']} stays pending: nothing for {', '.join(missing)}")
        versions = {shape.resource(step): chosen[step["get"]] for step in history.gets(job)}
        build = Build(job=job["name"], number=next(self.numbers), inputs=chosen, versions=versions)
        folder = self.folder / f"build-{build.number}"
        folder.mkdir(parents=True)
        plan = Plan(
            build=build,
            config=config,
            credentials=self.credentials,
            folder=folder,
            place=self.place,
            strike=self.strike,
            set_pipeline=self.set,
        )
        self.history.builds.append(build)
        steps.run_job(job, plan)
        for name, version in build.versions.items():
            self.history.add(config, name, [version])
        shutil.rmtree(folder)
        return build
