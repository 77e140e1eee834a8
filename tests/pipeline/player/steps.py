"""Runs a plan step by step: what is in a step, its hooks, its attempts, and what it leaves to later ones."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

from tests.pipeline.player import leaves, shape, variables
from tests.pipeline.player.errors import StepError
from tests.pipeline.player.plan import Plan
from tests.pipeline.player.shape import Step


def run(step: Step, plan: Plan) -> bool:
    """Run a step; return whether it succeeded. Raises StepError for one that cannot be run."""
    for hook in shape.HOOKS:
        if hook in step:
            return _hooked(hook, _without(step, hook), step[hook], plan)
    if "across" in step:
        return _across(step, plan)
    if "attempts" in step:
        return _attempts(_without(step, "attempts"), step["attempts"], plan)
    kind = shape.core(step)
    try:
        return KINDS[kind](step, plan)
    except TimeoutError:
        plan.build.say("timeout exceeded")
        return False
    except StepError as error:
        if kind in leaves.KINDS:
            plan.build.say(f"{kind} {step[kind]}: {error}")
        raise


def _hooked(hook: str, step: Step, then: Step, plan: Plan) -> bool:
    try:
        done = run(step, plan)
    except StepError:
        if hook == "ensure":
            run(then, plan)
        raise
    if hook == "ensure":
        return run(then, plan) and done
    if hook == "on_success":
        return done and run(then, plan)
    if not done:
        run(then, plan)
    return done


def _across(step: Step, plan: Plan) -> bool:
    """Run the rest of the step for each combination of values, one after the other, each in its own scope."""
    rest = _without(step, "across", "fail_fast")
    rows = variables.fill_all([one["values"] for one in step["across"]], plan.credentials, plan.local)
    for row in rows:
        if not isinstance(row, list):
            raise StepError(f"across: values are no list: {row!r}")
    names = [one["var"] for one in step["across"]]
    scopes = [plan.scope(**dict(zip(names, values, strict=True))) for values in product(*rows)]
    runs = [(variables.fill(rest, scope.local, variables.LOCAL), scope) for scope in scopes]
    return _each(runs, fail_fast=step.get("fail_fast", False))


def _each(runs: Sequence[tuple[Step, Plan]], *, fail_fast: bool) -> bool:
    """Run steps one after the other, also after one that fails; raises the first StepError, at the end."""
    errors, done = [], []
    for step, plan in runs:
        try:
            done.append(run(step, plan))
        except StepError as error:
            errors.append(error)
            done.append(False)
        if fail_fast and not done[-1]:
            break
    if errors:
        raise errors[0]
    return all(done)


def _without(step: Step, *keys: str) -> Step:
    return {key: value for key, value in step.items() if key not in keys}


def _attempts(step: Step, attempts: int, plan: Plan) -> bool:
    for number in range(1, attempts + 1):
        try:
            if run(step, plan):
                return True
        except StepError:
            if number == attempts:
                raise
    return False


def _do(step: Step, plan: Plan) -> bool:
    return all(run(one, plan) for one in step["do"])


def _try(step: Step, plan: Plan) -> bool:
    with suppress(StepError):
        run(step["try"], plan)
    return True


def _in_parallel(step: Step, plan: Plan) -> bool:
    """Run the steps one after the other, but so that none sees what another one of them makes."""
    inner, fail_fast = shape.parallel(step)
    runs = [(one, plan.scope()) for one in inner]
    try:
        return _each(runs, fail_fast=fail_fast)
    finally:
        for _, scope in runs:
            plan.artifacts.update(scope.own)


KINDS: Mapping[str, Callable[[Step, Plan], bool]] = {
    **leaves.KINDS,
    "do": _do,
    "try": _try,
    "in_parallel": _in_parallel,
}


def run_job(job: Mapping[str, Any], plan: Plan) -> None:
    """Run a job's plan and its hooks, and note how it ended."""
    hooks = {hook: job[hook] for hook in shape.HOOKS if hook in job}
    began = time.monotonic()
    try:
        plan.build.status = "succeeded" if run({"do": job["plan"], **hooks}, plan) else "failed"
    except StepError:
        plan.build.status = "errored"
    plan.build.say(f"{plan.build.status} after {time.monotonic() - began:.1f} s")
