"""The task step: from the task file and what the step says to a container, and from there to artifacts."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from tests.pipeline.player import containers, reading, shape, variables
from tests.pipeline.player.containers import Order
from tests.pipeline.player.errors import RefusedError, StepError
from tests.pipeline.player.image_resource import IMAGE

WORK = PurePosixPath("/tmp/build")  # noqa: S108  # where Concourse has it, in the container


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A task that ran: how long it took in all, and what its program ended with; None: its time was up."""

    name: str
    seconds: float
    code: int | None
    said: str = field(repr=False)


def load(text: str, where: str) -> Mapping[str, Any]:
    """Return a task file; raises RefusedError for what Concourse does not know or is not played."""
    task = reading.load(text)
    check(task, where)
    return dict(task)


def check(task: Any, where: str) -> None:
    """Refuse, with RefusedError, what Concourse does not know or is not played."""
    shape.keys(task, shape.TASK, where)
    shape.keys(task["run"], {"path", "args", "dir"}, f"{where}, run")
    for part, known in (
        ("inputs", {"name", "path", "optional"}),
        ("outputs", {"name", "path"}),
        ("caches", {"path"}),
    ):
        for one in task.get(part, ()):
            shape.keys(one, known, f"{where}, {part}")
    if task.get("platform") != "linux":
        raise RefusedError(f"{where}: missing 'platform', which is linux")


def text(value: object) -> str:
    """Return a parameter as its variable holds it: null is empty, lists and maps are JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def lies(folder: PurePosixPath, row: Mapping[str, Any]) -> PurePosixPath:
    """Return where an input or output lies."""
    return folder / str(row.get("path", row.get("name"))).replace("..", "")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a task step of a job finds: artifacts by name, variables, and where it may write."""

    artifacts: Mapping[str, Path]
    local: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    scratch: Path
    job: str
    place: containers.Place
    strike: containers.Strike


def run(step: Mapping[str, Any], here: Setting) -> tuple[Ran, Mapping[str, Path]]:
    """Run a task step, and return how it went and its outputs, which count after a failure too."""
    began = time.monotonic()
    source, _, path = step["file"].partition("/")
    file = _artifact(here, source, "the task file") / path
    if not file.is_file():
        raise StepError(f"task config '{step['file']}' not found")
    task = load(file.read_text(encoding="utf-8"), step["file"])
    task = {**task, "params": {**task.get("params", {}), **step.get("params", {})}}
    task = variables.fill_all(task, here.credentials, here.local)
    folder = WORK / uuid4().hex[:8]
    outputs = {row["name"]: here.scratch / uuid4().hex for row in task.get("outputs", ())}
    order = Order(
        image=_image(step, here),
        folder=folder,
        argv=[task["run"]["path"], *map(str, task["run"].get("args", ()))],
        directory=folder / task["run"].get("dir", ""),
        environment={key: text(value) for key, value in task["params"].items()},
        privileged=step.get("privileged", False),
        inputs=_inputs(step, task, folder, here),
        outputs=[(lies(folder, row), outputs[row["name"]]) for row in task.get("outputs", ())],
        caches={
            folder / row["path"]: f"{here.job}/{step['task']}/{row['path']}" for row in task.get("caches", ())
        },
    )
    seconds = shape.seconds(step["timeout"]) if "timeout" in step else 3600
    ended = containers.run(order, here.place, seconds, here.strike)
    ran = Ran(name=step["task"], seconds=time.monotonic() - began, code=ended.code, said=ended.said)
    mapping = step.get("output_mapping", {})
    return ran, {mapping.get(name, name): path for name, path in outputs.items()}


def _artifact(here: Setting, name: str, what: str) -> Path:
    if name not in here.artifacts:
        raise StepError(f"unknown artifact source: '{name}' in {what}")
    return here.artifacts[name]


def _image(step: Mapping[str, Any], here: Setting) -> str:
    if "image" not in step:
        raise StepError("rootfs must not be empty: no image is given for the task")
    file = _artifact(here, step["image"], "image") / IMAGE
    if not file.is_file():
        raise StepError(f"'{step['image']}' is no image")
    return file.read_text(encoding="utf-8")


def _inputs(
    step: Mapping[str, Any],
    task: Mapping[str, Any],
    folder: PurePosixPath,
    here: Setting,
) -> list[tuple[PurePosixPath, Path | None]]:
    """Return what is copied where: inputs, and empty folders for outputs that are no inputs."""
    mapping = step.get("input_mapping", {})
    wanted = [(row, mapping.get(row["name"], row["name"])) for row in task.get("inputs", ())]
    missing = [name for row, name in wanted if name not in here.artifacts and not row.get("optional")]
    if missing:
        raise StepError(f"missing inputs: {', '.join(missing)}")
    found: dict[PurePosixPath, Path | None] = {lies(folder, row): None for row in task.get("outputs", ())}
    found |= {lies(folder, row): here.artifacts[name] for row, name in wanted if name in here.artifacts}
    return list(found.items())
