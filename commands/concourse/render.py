"""Makes what fly gets where it is not ci/ as it stands: without the job `self`, for another environment."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from commands.concourse import files, secrets
from commands.concourse.files import Checkout
from releaser.errors import ConfigError

SELF = "self"
ENVIRONMENT = "RELEASE_ENVIRONMENT"


class _Plain(yaml.SafeDumper):
    """Writes everything out: a pipeline is read by people, who would have to look for anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Repeat what is the same."""
        return True


def without_self(pipeline: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a pipeline without the job that sets it; raises ConfigError where a resource is then unused."""
    jobs = [job for job in pipeline.get("jobs", []) if job.get("name") != SELF]
    groups = [
        {**one, "jobs": [name for name in one["jobs"] if name != SELF]} for one in pipeline.get("groups", [])
    ]
    used = {
        name
        for step in files.steps(jobs)
        for name in (step.get("resource"), step.get("get"), step.get("put"))
        if name
    }
    unused = sorted({one["name"] for one in pipeline.get("resources", [])} - used)
    if unused:
        raise ConfigError(
            f"without the job '{SELF}' nothing in {path} uses {', '.join(unused)}",
            "Concourse refuses a resource that no job uses: remove it, or leave --no-self out.",
        )
    kept = {"groups": [one for one in groups if one["jobs"]]} if groups else {}
    return {**pipeline, **kept, "jobs": jobs}


def for_environment(pipeline: Mapping[str, Any], checkout: Checkout) -> Any:
    """Return a pipeline whose tasks release to the checkout's environment, not to that of their files."""

    def changed(node: Any) -> Any:
        if isinstance(node, list):
            return [changed(one) for one in node]
        if not isinstance(node, Mapping):
            return node
        found = {key: changed(one) for key, one in node.items()}
        if isinstance(found.get("task"), str) and ENVIRONMENT in files.task(checkout, found).get(
            "params", {}
        ):
            found["params"] = {**found.get("params", {}), ENVIRONMENT: checkout.environment}
        return found

    return {**pipeline, "jobs": changed(pipeline.get("jobs", []))}


def by_name(pipeline: Mapping[str, Any], checkout: Checkout) -> Any:
    """Return a pipeline that asks for each secret by its own name, and not by a key of sidecar.yml.

    Fly fills in each variable once: it does not look for variables in the values.
    """
    names = secrets.named(checkout.settings)
    direct = re.compile("|".join(re.escape(f"(({key}))") for key in names) or r"(?!)")

    def changed(node: Any) -> Any:
        if isinstance(node, str):
            return direct.sub(lambda found: f"(({names[found[0][2:-2]]}))", node)
        if isinstance(node, list):
            return [changed(one) for one in node]
        if isinstance(node, Mapping):
            return {key: changed(one) for key, one in node.items()}
        return node

    return changed(pipeline)


def write(document: Mapping[str, Any], path: Path) -> Path:
    """Write a document as YAML, its keys in their order."""
    path.write_text(yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path
