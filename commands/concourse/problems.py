"""All that is wrong with a checkout's pipelines, as far as it can be seen without a server."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from commands import image_pins
from commands.concourse import files, secrets, values
from commands.concourse.files import Checkout
from commands.concourse.values import Problem
from releaser import config
from releaser.errors import ConfigError

TAG = "pipeline.image.tag"


def find(checkout: Checkout) -> list[Problem]:
    """Return every problem, each once."""
    found = [*values.find(checkout.settings), *_layer(checkout), *_tag(checkout), *_names(checkout)]
    for path, pipeline in checkout.pipelines.items():
        found += [*_variables(checkout, path, pipeline), *_task_files(checkout, path, pipeline)]
    return list(dict.fromkeys(found))


def require_none(found: list[Problem]) -> None:
    """Raise ConfigError with all of them at once."""
    if found:
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        lines = "\n".join(f"  {one.where}: {one.what}" for one in found)
        raise ConfigError(
            f"the pipeline has {count}:\n{lines}", "docs/pipeline.md says what each key is for."
        )


def _layer(checkout: Checkout) -> Iterator[Problem]:
    """Refuse what the tasks would heed, and the pipeline's resources would not."""
    if files.PRODUCTION in checkout.settings.environments:
        what = "is what the tasks go by, but the pipeline is set from the sections themselves: move it there"
        yield Problem(where=f"environments.{files.PRODUCTION}", what=what)


def _tag(checkout: Checkout) -> Iterator[Problem]:
    """Compare the tag of the task image with what inv will ask for."""
    named = checkout.settings.pipeline.image.tag
    if not named or not (checkout.root / image_pins.FOLDER / "tag").exists():
        return
    needed = image_pins.tag(checkout.root)
    if named != needed:
        yield Problem(where=TAG, what=f"is {named}, but this checkout needs {needed}: ./inv image --write")


def _names(checkout: Checkout) -> Iterator[Problem]:
    """Look at the names of secrets: where they come from, and that none means a section of sidecar.yml."""
    sources = {name for pipeline in checkout.pipelines.values() for name in _sources(pipeline)}
    for key, name in secrets.named(checkout.settings).items():
        source, colon, _ = name.partition(":")
        if colon and source not in sources:
            yield Problem(where=key, what=f"asks the var_source '{source}', which no pipeline of ci/ has")
        if not colon and name.partition(".")[0] in checkout.values:
            what = f"is (({name})), but sidecar.yml has a key of that name: give the secret another one"
            yield Problem(where=key, what=what)


def _sources(pipeline: Mapping[str, Any]) -> set[str]:
    return {str(one.get("name")) for one in pipeline.get("var_sources", [])}


def _variables(checkout: Checkout, path: Path, pipeline: Mapping[str, Any]) -> Iterator[Problem]:
    for name, whole in files.variables(pipeline):
        source, colon, _ = name.partition(":")
        if colon:
            if source not in _sources(pipeline):
                yield Problem(where=str(path), what=f"asks for (({name})), but has no var_source '{source}'")
            continue
        try:
            given = files.at(checkout.values, name)
        except KeyError:
            yield Problem(where=str(path), what=_unknown(name))
            continue
        if not whole and not isinstance(given, str | int) and name not in values.NEEDED:
            yield Problem(where=name, what=f"is {json.dumps(given)}, but stands inside a text in {path}")


def _unknown(name: str) -> str:
    known = list(config.keys())
    if name in known:
        return f"asks for (({name})), which sidecar.yml leaves out: write its default there"
    near = difflib.get_close_matches(name, known, n=1)
    return f"asks for (({name})), which is no key of sidecar.yml" + (
        f"; did you mean '{near[0]}'?" if near else ""
    )


def _task_files(checkout: Checkout, path: Path, pipeline: Mapping[str, Any]) -> Iterator[Problem]:
    """Look at each file that a step takes from the checkout: an artifact's name, then a path in it."""
    named = {str(step["file"]): step for step in files.steps(pipeline.get("jobs")) if "file" in step}
    for name, step in named.items():
        inside = files.inside(step)
        if not (checkout.root / inside).is_file():
            yield Problem(where=str(path), what=f"names {name}, but there is no {inside}")
        elif "task" in step:
            yield from _task_file(checkout, inside)


def _task_file(checkout: Checkout, path: Path) -> Iterator[Problem]:
    task = files.read(checkout.root / path)
    for key in ("platform", "run"):
        if key not in task:
            yield Problem(where=str(path), what=f"has no '{key}'")
    for name, _ in files.variables(task):
        what = f"asks for (({name})), which nothing gives it: a task gets its values as params of its step"
        yield Problem(where=str(path), what=what)
