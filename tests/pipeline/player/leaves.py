"""The steps that hold no others: get, put, task and set_pipeline."""

import shutil
from collections.abc import Callable, Mapping
from uuid import uuid4

from tests.pipeline.player import shape, tasks, variables
from tests.pipeline.player.errors import RefusedError, ScriptError, StepError
from tests.pipeline.player.plan import Plan
from tests.pipeline.player.resources import TYPES
from tests.pipeline.player.shape import Step
from tests.pipeline.player.tasks import Setting

PATIENCE_S = 300  # of a get or put that has no timeout


def _get(step: Step, plan: Plan) -> bool:
    into = plan.folder / uuid4().hex
    kind, source = plan.source(shape.resource(step))
    params = variables.fill_all(step.get("params", {}), plan.credentials, plan.local)
    version = plan.build.inputs[step["get"]]
    try:
        TYPES[kind].get(source, version, params, into, _seconds(step))
    except ScriptError as error:
        plan.build.say(f"get {step['get']}: {error}")
        return False
    plan.artifacts[step["get"]] = into
    return True


def _put(step: Step, plan: Plan) -> bool:
    name = shape.resource(step)
    kind, source = plan.source(name)
    if not step.get("no_get") or "inputs" not in step:
        raise RefusedError(f"put {name}: only with no_get: true and a list of inputs")
    folder = plan.folder / uuid4().hex
    for one in step["inputs"]:
        if one not in plan.artifacts:
            raise StepError(f"input not found: {one}")
        shutil.copytree(plan.artifacts[one], folder / one, symlinks=True)
    params = variables.fill_all(step.get("params", {}), plan.credentials, plan.local)
    try:
        plan.build.versions[name] = TYPES[kind].put(source, params, folder, _seconds(step))
    except ScriptError as error:
        plan.build.say(f"put {name}: {error}")
        return False
    return True


def _seconds(step: Step) -> float:
    return shape.seconds(step["timeout"]) if "timeout" in step else PATIENCE_S


def _task(step: Step, plan: Plan) -> bool:
    here = Setting(
        artifacts=plan.artifacts,
        local=plan.local,
        credentials=plan.credentials,
        scratch=plan.folder,
        job=plan.build.job,
        place=plan.place,
        strike=lambda: plan.strike(step["task"]),
    )
    ran, outputs = tasks.run(step, here)
    plan.build.tasks.append(ran)
    plan.build.said.append(ran.said)
    plan.artifacts.update(outputs)
    if ran.code is None:
        raise TimeoutError
    return ran.code == 0


def _set_pipeline(step: Step, plan: Plan) -> bool:
    """Set the pipeline itself from files; what cannot be set is a failure."""
    if step["set_pipeline"] != "self":
        raise RefusedError("set_pipeline: only self is played")
    if len(step["var_files"]) != 1:
        raise RefusedError("set_pipeline: one file of variables is played")
    texts = []
    for path in (step["file"], *step["var_files"]):
        artifact, _, rest = path.partition("/")
        if artifact not in plan.artifacts or not (plan.artifacts[artifact] / rest).is_file():
            raise StepError(f"unknown artifact source: {path}")
        texts.append((plan.artifacts[artifact] / rest).read_text(encoding="utf-8"))
    try:
        plan.set_pipeline(*texts)
    except RefusedError as error:
        plan.build.say(f"invalid pipeline: {error}")
        return False
    return True


KINDS: Mapping[str, Callable[[Step, Plan], bool]] = {
    "get": _get,
    "put": _put,
    "task": _task,
    "set_pipeline": _set_pipeline,
}
