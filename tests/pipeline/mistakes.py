"""A mistake of each kind that the rules know: how it is made, and what is said of it."""

from collections.abc import Callable
from typing import Any

from tests.pipeline.files import PIPELINES, Files
from tests.pipeline.player import shape

Mistake = Callable[[Files], Any]


def step(files: Files, kind: str, name: str, job: str) -> Any:
    """Return a step of a job of the large pipeline."""
    jobs = files.pipelines[PIPELINES[0]]["jobs"]
    found = next(one for one in jobs if one["name"] == job)
    return next(one for one in shape.steps(found) if one.get(kind) == name)


def resource(files: Files, name: str) -> Any:
    """Return a resource of the large pipeline."""
    return next(one for one in files.pipelines[PIPELINES[0]]["resources"] if one["name"] == name)


MISTAKES: dict[str, tuple[Mistake, str]] = {
    "a verb without a task file": (
        lambda files: files.tasks.pop("upload"),
        "upload has no task file",
    ),
    "a verb without a task": (lambda files: files.invoked.discard("bump"), "bump has no task of ./inv"),
    "a verb without a test": (
        lambda files: files.tests.discard("test_step_commit"),
        "commit has no test file",
    ),
    "a task file that runs another verb": (
        lambda files: files.tasks["build"]["run"].update(args=["bump"]),
        "ci/tasks/build.yml does not run ./inv build",
    ),
    "a task file that nobody runs": (
        lambda files: files.tasks.update(lint=files.tasks["check"]),
        "ci/tasks/lint.yml is in no pipeline",
    ),
    "an unknown key": (
        lambda files: step(files, "get", "source", "candidate").update(trigers=True),
        "trigers",
    ),
    "an unknown key of a task file": (
        lambda files: files.tasks["plan"].update(ouputs=[]),
        "plan: unknown key ouputs",
    ),
    "a variable that sidecar.yml lacks": (
        lambda files: resource(files, "commits")["source"].update(uri="((git.uri))"),
        "missing field 'uri' in var: git.uri",
    ),
    "a variable that is no key": (
        lambda files: resource(files, "commits")["source"].update(uri="((secret))"),
        "((secret)) is no key of sidecar.yml",
    ),
    "a variable that no page describes": (
        lambda files: files.docs.update({"pipeline.md": files.docs["pipeline.md"].replace("`stacks`", "")}),
        "((stacks)) is not in docs/pipeline.md",
    ),
    "a variable without its meaning": (
        lambda files: files.docs.update({"configuration.md": ""}),
        "((stacks)) is not in docs/configuration.md",
    ),
    "an input that comes from nowhere": (
        lambda files: files.tasks["bump"]["inputs"].append({"name": "notes"}),
        "candidate, task bump: nothing before it makes 'notes'",
    ),
    "an input that comes too late": (
        lambda files: files.tasks["plan"]["inputs"].append({"name": "work"}),
        "candidate, task plan: nothing before it makes 'work'",
    ),
    "an input of a hook that only a task makes": (
        lambda files: files.tasks["failed"]["inputs"].append({"name": "train"}),
        "candidate, task failed: nothing before it makes 'train'",
    ),
    "an output that nobody takes": (
        lambda files: files.tasks["plan"]["outputs"].append({"name": "notes"}),
        "candidate, task plan: nobody takes its output 'notes'",
    ),
    "a mapping of an input that is none": (
        lambda files: step(files, "task", "check", "check").update(input_mapping={"sauce": "commits"}),
        "check, task check: maps 'sauce'",
    ),
    "a task file that is not there": (
        lambda files: step(files, "task", "plan", "candidate").update(file="source/ci/task/plan.yml"),
        "candidate, task plan: there is no source/ci/task/plan.yml",
    ),
    "a put of what is not there": (
        lambda files: step(files, "put", "candidate", "candidate").update(inputs=["zips"]),
        "candidate, put candidate: nothing before it makes 'zips'",
    ),
    "a task without an image": (
        lambda files: step(files, "task", "promote", "promote").pop("image"),
        "promote, promote: its image is no registry-image resource",
    ),
    "an image that is none": (
        lambda files: step(files, "task", "promote", "promote").update(image="source"),
        "promote, promote: its image is no registry-image resource",
    ),
    "a get without a timeout": (
        lambda files: step(files, "get", "rootfs", "accept").pop("timeout"),
        "accept, rootfs: no timeout",
    ),
    "a hook without a timeout": (
        lambda files: step(files, "task", "failed", "promote").pop("timeout"),
        "promote, failed: no timeout",
    ),
    "a parameter that the task file lacks": (
        lambda files: files.tasks["accept"]["params"].pop("CF_PASSWORD"),
        "accept, accept: CF_PASSWORD is not in its task file",
    ),
    "a parameter that nobody gives": (
        lambda files: files.tasks["prune"]["params"].update(CF_PASSWORD=None),
        "promote, prune: CF_PASSWORD is not given",
    ),
    "a secret in an argument list": (
        lambda files: files.tasks["accept"]["run"]["args"].append("--password=$CF_PASSWORD"),
        "ci/tasks/accept.yml: '--password=$CF_PASSWORD' in its arguments",
    ),
    "two equal repositories": (
        lambda files: resource(files, "source")["source"].pop("ignore_paths"),
        "two resources are the same: git",
    ),
    "commits that are skipped": (
        lambda files: resource(files, "source")["source"].pop("disable_ci_skip"),
        "source: [ci skip] skips a release",
    ),
    "a put to git": (
        lambda files: step(files, "put", "candidate", "candidate").update(put="source"),
        "candidate, source: a put to git",
    ),
    "a resource that no job uses": (
        lambda files: files.pipelines[PIPELINES[0]]["resources"].append(
            {"name": "more", "type": "s3", "source": {"regexp": "((s3.prefix))/more-(.*)"}}
        ),
        "resource 'more' is not used",
    ),
    "a job that has not passed it": (
        lambda files: step(files, "get", "source", "promote").update(passed=["check"]),
        "job 'check' does not interact with 'source'",
    ),
    "a public image": (
        lambda files: resource(files, "image")["source"].update(repository="python"),
        "image: repository is no variable",
    ),
    "an image of a task file's own": (
        lambda files: files.tasks["test"].update(image_resource={"type": "registry-image"}),
        "test: unknown key image_resource",
    ),
    "a host": (
        lambda files: files.tasks["plan"]["params"].update(PLACE="registry.example.com/train"),
        "ci/tasks/plan.yml: 'registry.example.com/train' names a place",
    ),
    "an address": (
        lambda files: step(files, "task", "plan", "candidate")["params"].update(FAILURE_URL="http://x"),
        "ci/pipeline.yml: 'http://x' names a place",
    ),
}
