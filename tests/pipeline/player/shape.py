"""What a pipeline may hold: every other key is refused, and so is what fly would not set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.pipeline.player.errors import RefusedError
from tests.pipeline.player.resources import TYPES

Step = Mapping[str, Any]
Config = Mapping[str, Any]
HOOKS = ("ensure", "on_failure", "on_success")  # the outermost first, as Concourse reads them
MODIFIERS = {*HOOKS, "across", "fail_fast", "attempts", "timeout"}
CORES: Mapping[str, frozenset[str]] = {
    "get": frozenset({"resource", "passed", "trigger", "params"}),
    "put": frozenset({"resource", "params", "inputs", "no_get"}),
    "task": frozenset({"file", "image", "params", "privileged", "input_mapping", "output_mapping"}),
    "set_pipeline": frozenset({"file", "var_files"}),
    "in_parallel": frozenset(),
    "do": frozenset(),
    "try": frozenset(),
}
TOP = {"groups", "resources", "jobs"}
GROUP = {"name", "jobs"}
RESOURCE = {"name", "type", "icon", "source", "webhook_token", "check_every"}
JOB = {"name", "plan", "serial", "serial_groups", *HOOKS}
TASK = {"platform", "inputs", "outputs", "caches", "params", "run"}
KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("trigger", "no_get", "privileged", "serial", "fail_fast", "optional"), bool),
    **dict.fromkeys(("passed", "inputs", "var_files", "serial_groups", "plan", "jobs", "do", "args"), list),
    **dict.fromkeys(("params", "input_mapping", "output_mapping", "source", "run"), Mapping),
    **dict.fromkeys(("get", "put", "task", "file", "image", "name", "path", "dir", "timeout"), str),
    "attempts": int,
}
NAME = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_.-]*")
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def seconds(duration: str) -> int:
    """Return how long a duration such as 1h30m is."""
    found = DURATION.fullmatch(duration)
    if not found or not any(found.groups()):
        raise RefusedError(f"'{duration}' is no duration")
    hours, minutes, rest = (int(one or 0) for one in found.groups())
    return 3600 * hours + 60 * minutes + rest


def core(step: Step) -> str:
    """Return what a step is: get, put, task or another; raises RefusedError."""
    found = [key for key in CORES if key in step]
    if len(found) != 1:
        raise RefusedError(f"a step is one of {', '.join(CORES)}, not {', '.join(found or step)}")
    return found[0]


def parallel(step: Step) -> tuple[Sequence[Step], bool]:
    """Return the steps of in_parallel, and whether the first failure ends it."""
    given = step["in_parallel"]
    if isinstance(given, list):
        return given, False
    keys(given, {"steps", "fail_fast", "limit"}, "in_parallel")
    return given["steps"], given.get("fail_fast", False)


def inner(step: Step) -> list[Step]:
    """Return the steps in a step, hooks left out."""
    kind = core(step)
    if kind == "in_parallel":
        return list(parallel(step)[0])
    return {"do": lambda: list(step["do"]), "try": lambda: [step["try"]]}.get(kind, list)()


def steps(job: Mapping[str, Any]) -> Iterator[Step]:
    """Yield every step of a job in order, each before those in it, hooks last."""
    for step in job["plan"]:
        yield from _walk(step)
    yield from (one for hook in HOOKS if hook in job for one in _walk(job[hook]))


def _walk(step: Step) -> Iterator[Step]:
    yield step
    for one in (*inner(step), *(step[hook] for hook in HOOKS if hook in step)):
        yield from _walk(one)


def resource(step: Step) -> str:
    """Return the resource of a get or put."""
    return str(step.get("resource", step[core(step)]))


def keys(given: Any, known: set[str] | frozenset[str], where: str) -> None:
    """Refuse what is no map, unknown keys, and values of another type than the key's."""
    if not isinstance(given, Mapping):
        raise RefusedError(f"{where} is no map")
    unknown = sorted(set(given) - known)
    if unknown:
        raise RefusedError(f"{where}: unknown key {', '.join(unknown)}")
    for key, value in given.items():
        if not isinstance(value, KINDS.get(key, object)) or (key == "attempts" and value is True):
            raise RefusedError(f"{where}: {key} is {value!r}")


def check(config: Config) -> None:
    """Refuse a pipeline that fly would not set, or that holds what is not played."""
    keys(config, TOP, "the pipeline")
    for one in config["resources"]:
        keys(one, RESOURCE, f"resource {one.get('name')}")
        _check_name(one["name"], "resource")
        if one["type"] not in TYPES:
            raise RefusedError(f"resource {one['name']}: unknown type '{one['type']}'")
        keys(one["source"], TYPES[one["type"]].SOURCE, f"resource {one['name']}, source")
    for job in config["jobs"]:
        keys(job, JOB, f"job {job.get('name')}")
        _check_name(job["name"], "job")
        for step in steps(job):
            _check_step(step, f"job {job['name']}")
    _check_names(config)


def _check_step(step: Step, where: str) -> None:
    kind = core(step)
    where = f"{where}, {kind} {step[kind] if isinstance(step[kind], str) else ''}".rstrip()
    keys(step, {kind} | CORES[kind] | MODIFIERS, where)
    if "across" not in step:  # where fly --strict takes a local variable in a name
        _check_name(step[kind], where)
    if "timeout" in step:
        seconds(step["timeout"])
    if "fail_fast" in step and "across" not in step:
        raise RefusedError(f"{where}: unknown key fail_fast")
    for one in step.get("across", ()):
        keys(one, {"var", "values", "max_in_flight"}, f"{where}, across")


def _check_name(given: Any, where: str) -> None:
    if isinstance(given, str) and not NAME.fullmatch(given):
        raise RefusedError(f"{where}: '{given}' is not a valid identifier")


def _check_names(config: Config) -> None:
    jobs = {
        job["name"]: {resource(s) for s in steps(job) if core(s) in ("get", "put")} for job in config["jobs"]
    }
    known = [one["name"] for one in config["resources"]]
    if len(set(known)) != len(known) or len(jobs) != len(config["jobs"]):
        raise RefusedError("a name is there twice")
    used = {name for names in jobs.values() for name in names}
    for name in sorted(used ^ set(known)):
        raise RefusedError(f"resource '{name}' is {'unknown' if name in used else 'not used'}")
    for job in config["jobs"]:
        for step in steps(job):
            for passed in step.get("passed", ()):
                if resource(step) not in jobs.get(passed, set()):
                    raise RefusedError(f"job '{passed}' does not interact with '{resource(step)}'")
    grouped = [job for group in config.get("groups", ()) for job in group["jobs"]]
    for group in config.get("groups", ()):
        keys(group, GROUP, f"group {group.get('name')}")
    if grouped and set(grouped) != set(jobs):
        raise RefusedError(f"in groups, or unknown: {', '.join(sorted(set(grouped) ^ set(jobs)))}")
