"""What the rules look at: pipelines and task files as they are, and what they have to agree with."""

import functools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tasks as invoke_tasks
from releaser import runner
from tests.pipeline.player import reading, shape

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = ("ci/pipeline.yml", "ci/image.yml")


@dataclass
class Files:
    """All that the rules look at; pipelines and task files as they are, variables not filled in."""

    pipelines: dict[str, dict[str, Any]]
    tasks: dict[str, dict[str, Any]]
    settings: dict[str, Any]
    docs: dict[str, str]
    verbs: list[str]
    invoked: set[str]
    tests: set[str]

    def jobs(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the name of a pipeline, and a job of it."""
        for name, pipeline in self.pipelines.items():
            yield from ((name, job) for job in pipeline["jobs"])

    def steps(self, kind: str) -> Iterator[tuple[str, shape.Step]]:
        """Yield where a step of a kind is, and the step."""
        for name, job in self.jobs():
            for step in shape.steps(job):
                if kind in step:
                    yield f"{name}, {job['name']}, {step[kind]}", step


def load() -> Files:
    """Return them all, to do with as one likes."""
    return deepcopy(_read(ROOT))


@functools.cache
def _read(root: Path) -> Files:
    text = {path: (root / path).read_text(encoding="utf-8") for path in (*PIPELINES, "sidecar.yml")}
    return Files(
        pipelines={path: reading.load(text[path]) for path in PIPELINES},
        tasks={
            path.stem: reading.load(path.read_text(encoding="utf-8"))
            for path in sorted((root / "ci/tasks").glob("*.yml"))
        },
        settings=reading.load(text["sidecar.yml"]),
        docs={
            name: (root / "docs" / name).read_text(encoding="utf-8")
            for name in ("pipeline.md", "configuration.md")
        },
        verbs=[step.__name__.rpartition(".")[2] for step in runner.STEPS],
        invoked=set(invoke_tasks.namespace.task_names),
        tests={path.stem for path in (root / "tests/releaser").glob("test_step_*.py")},
    )
