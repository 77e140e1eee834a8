"""Which artifacts a job's steps find, before any of it runs: what each step needs and what it leaves."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pipeline.player import shape
from tests.pipeline.player.shape import Step

Tasks = Mapping[str, Mapping[str, Any]]


@dataclass
class _Job:
    """A job on the way through its steps; `made` says which task made an artifact that nobody took yet."""

    tasks: Tasks
    made: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def run(self, step: Step, there: set[str]) -> set[str]:
        """Note what a step lacks; return what is there afterwards."""
        kind = shape.core(step)
        after = set(there)
        if kind == "get":
            after.add(step["get"])
        elif kind == "put":
            self.take(f"put {step['put']}", step.get("inputs", ()), there)
        elif kind == "task":
            after |= self.task(step, there)
        elif kind == "set_pipeline":
            paths = (step["file"], *step.get("var_files", ()))
            self.take("set_pipeline", {path.partition("/")[0] for path in paths}, there)
        elif kind == "in_parallel":
            after |= {name for one in shape.inner(step) for name in self.run(one, there)}
        else:
            for one in shape.inner(step):
                after = self.run(one, after)
        for hook in shape.HOOKS:
            if hook in step:
                self.run(step[hook], after)
        return there if "across" in step else after

    def take(self, where: str, wanted: Collection[str], there: Collection[str]) -> None:
        """Note each artifact that a step needs and that is not there."""
        for name in wanted:
            self.made.pop(name, None)
            if name not in there:
                self.said.append(f"{where}: nothing before it makes '{name}'")

    def task(self, step: Step, there: set[str]) -> set[str]:
        """Note what a task lacks, and return its outputs."""
        where, file = f"task {step['task']}", Path(step["file"])
        task = self.tasks.get(file.stem)
        if task is None or file.parts[1:-1] != ("ci", "tasks"):
            self.said.append(f"{where}: there is no {step['file']}")
            return set()
        rows = task.get("inputs", [])
        mapping, renamed = step.get("input_mapping", {}), step.get("output_mapping", {})
        unknown = set(mapping) - {row["name"] for row in rows}
        unknown |= set(renamed) - {row["name"] for row in task.get("outputs", [])}
        self.said += [f"{where}: maps '{name}', which its task file lacks" for name in sorted(unknown)]
        needed = [mapping.get(row["name"], row["name"]) for row in rows if not row.get("optional")]
        self.take(where, [file.parts[0], *needed, *([step["image"]] if "image" in step else [])], there)
        for row in rows:
            self.made.pop(mapping.get(row["name"], row["name"]), None)
        outputs = {renamed.get(row["name"], row["name"]) for row in task.get("outputs", [])}
        self.made |= dict.fromkeys(outputs, step["task"])
        return outputs


def flows(job: Mapping[str, Any], tasks: Tasks) -> Iterator[str]:
    """Yield what a job's steps lack, and the outputs that no later step takes."""
    seen = _Job(tasks)
    hooks = {hook: job[hook] for hook in shape.HOOKS if hook in job}
    seen.run({"do": job["plan"]}, set())
    gets = {step["get"] for step in shape.steps(job) if "get" in step}
    for hook in hooks.values():
        seen.run(hook, gets)  # it runs after a task that failed: of outputs nothing is sure
    yield from seen.said
    yield from (f"task {task}: nobody takes its output '{name}'" for name, task in seen.made.items())
