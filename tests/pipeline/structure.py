"""What holds pipelines, task files, tasks of ./inv, settings and docs together; what breaks these rules."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from releaser import config
from tests.pipeline.artifacts import flows
from tests.pipeline.files import Files
from tests.pipeline.player import shape, tasks, variables
from tests.pipeline.player.errors import RefusedError

HOST = re.compile(
    r"://|\b[\w-]+(\.[\w-]+)*\.(?!yml\b|json\b|tar\b|md\b|txt\b)[a-z]{2,}(:\d+)?/|\blocalhost\b"
)
SECRET = re.compile(r"secret|password|token|credential|(?<!py)key|\$|\(\(", re.IGNORECASE)


def sets(files: Files) -> Iterator[str]:
    """Each pipeline is one that Concourse sets and the player plays; resources and passed jobs are there."""
    for name, pipeline in files.pipelines.items():
        try:
            shape.check(variables.fill(pipeline, files.settings))
        except RefusedError as error:
            yield f"{name}: {error}"
    for name, task in files.tasks.items():
        try:
            tasks.check(task, name)
        except RefusedError as error:
            yield f"ci/tasks/{name}.yml: {error}"


def verbs(files: Files) -> Iterator[str]:
    """Each verb has a task file, a task of ./inv and a test file; task files run their name, and are used."""
    for verb in files.verbs:
        there = {"task file": verb in files.tasks, "task of ./inv": verb in files.invoked}
        there["test file"] = f"test_step_{verb}" in files.tests
        yield from (f"{verb} has no {what}" for what, is_there in there.items() if not is_there)
    used = {Path(step["file"]).stem for _, step in files.steps("task")}
    for name, task in files.tasks.items():
        if task["run"].get("args", [""])[0] != name or task["run"]["path"] != "./inv":
            yield f"ci/tasks/{name}.yml does not run ./inv {name}"
        if name not in files.invoked:
            yield f"ci/tasks/{name}.yml is no task of ./inv"
        if name not in used:
            yield f"ci/tasks/{name}.yml is in no pipeline"


def names(files: Files) -> Iterator[str]:
    """Each variable is a key that sidecar.yml has and that both pages describe."""
    known = set(config.keys())
    for pipeline, given in files.pipelines.items():
        for name in sorted(set(variables.names(given))):
            if name.startswith(variables.LOCAL):
                continue
            try:
                variables.fill(f"(({name}))", {**dict.fromkeys([name.partition(".")[0]]), **files.settings})
            except RefusedError as error:
                yield f"{pipeline}: sidecar.yml: {error}"
            if name not in known:
                yield f"{pipeline}: (({name})) is no key of sidecar.yml"
            yield from (
                f"{pipeline}: (({name})) is not in docs/{page}"
                for page, text in files.docs.items()
                if f"\n| `{name}` |" not in text
            )


def artifacts(files: Files) -> Iterator[str]:
    """Each input comes from before, each output goes somewhere, each image is got."""
    for name, job in files.jobs():
        yield from (f"{name}, {job['name']}, {what}" for what in flows(job, files.tasks))


def images(files: Files) -> Iterator[str]:
    """Each task's image is an artifact of a registry-image resource."""
    for name, pipeline in files.pipelines.items():
        kinds = {one["name"]: one["type"] for one in pipeline["resources"]}
        for where, step in files.steps("task"):
            if where.startswith(name) and kinds.get(step.get("image", "")) != "registry-image":
                yield f"{where}: its image is no registry-image resource"


def timeouts(files: Files) -> Iterator[str]:
    """Each get, put and task ends by itself."""
    for kind in ("get", "put", "task"):
        yield from (f"{where}: no timeout" for where, step in files.steps(kind) if "timeout" not in step)


def parameters(files: Files) -> Iterator[str]:
    """What a step gives is what the task file asks for, and the other way round; nothing else is secret."""
    for where, step in files.steps("task"):
        asked = files.tasks.get(Path(step["file"]).stem, {}).get("params", {})
        given = step.get("params", {})
        yield from (f"{where}: {key} is not in its task file" for key in sorted(set(given) - set(asked)))
        empty = {key for key, value in asked.items() if value is None}
        yield from (f"{where}: {key} is not given" for key in sorted(empty - set(given)))
    for name, task in files.tasks.items():
        words = [task["run"]["path"], *task["run"].get("args", [])]
        yield from (
            f"ci/tasks/{name}.yml: '{word}' in its arguments" for word in words if SECRET.search(word)
        )


def repositories(files: Files) -> Iterator[str]:
    """No two resources are the same; git is put by no one, and skips no commit."""
    for name, pipeline in files.pipelines.items():
        rows = Counter(f"{one['type']} {sorted(one['source'].items())}" for one in pipeline["resources"])
        yield from (f"{name}: two resources are the same: {row}" for row, count in rows.items() if count > 1)
        git = {one["name"]: one["source"] for one in pipeline["resources"] if one["type"] == "git"}
        for one, source in git.items():
            if not source.get("disable_ci_skip"):
                yield f"{name}, {one}: [ci skip] skips a release"
        for where, step in files.steps("put"):
            if where.startswith(name) and shape.resource(step) in git:
                yield f"{where}: a put to git starts what the resource triggers"


def places(files: Files) -> Iterator[str]:
    """No host, no registry and no image is named: an installation is what its variables say."""
    for name, given in {
        **files.pipelines,
        **{f"ci/tasks/{key}.yml": one for key, one in files.tasks.items()},
    }.items():
        for text in _texts(given):
            if HOST.search(text):
                yield f"{name}: '{text}' names a place"
    for name, pipeline in files.pipelines.items():
        for one in pipeline["resources"]:
            for key in ("uri", "repository", "endpoint", "bucket"):
                if not variables.REFERENCE.fullmatch(str(one["source"].get(key, "((x))"))):
                    yield f"{name}, {one['name']}: {key} is no variable"


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for one in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _texts(one)


RULES: tuple[Callable[[Files], Iterator[str]], ...] = (
    *(sets, verbs, names, artifacts, images, timeouts, parameters, repositories, places),
)


def problems(files: Files) -> list[str]:
    """Return all that breaks a rule."""
    return [problem for rule in RULES for problem in rule(files)]
