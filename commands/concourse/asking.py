"""Asks a Concourse which secrets it knows, and sets nothing.

`fly set-pipeline --dry-run` ends before it asks the server. With --check-creds the server looks for every
secret before it stores a pipeline, and names all that it lacks. So it gets one that needs a secret which
nobody has: that is always refused, and what else is named is missing.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from commands.concourse import fly
from releaser.errors import TrainError

UNDEFINED = re.compile(r"undefined vars: (.+)")
INCOMPLETE = re.compile(r"(?:missing|cannot access) field '[^']+' (?:in|of non-map value .* from) var: (\S+)")
COMPLAINT = re.compile(r"^\s*\* (.+)$", re.MULTILINE)


def known(target: str, pipeline: str, names: Iterable[str]) -> Mapping[str, bool | None]:
    """Return of each name whether Concourse knows it for this pipeline; None for those of a var_source.

    Raises TrainError where Concourse cannot be asked, or cannot ask its credential manager.
    """
    asked = sorted({name for name in names if ":" not in name})
    nobody = f"no-secret-{secrets.token_hex(8)}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "question.yml"
        path.write_text(json.dumps(_question([*asked, nobody])), encoding="utf-8")  # JSON is YAML
        code, output, errors = fly.attempt(target, pipeline, path, options=("--check-creds",))
    if code == 0:
        raise TrainError(
            f"Concourse says that it knows (({nobody})), and took the question for the pipeline '{pipeline}'",
            f"Set the pipeline again: ./inv pipeline set --target {target}",
        )
    missing = _missing(errors or output)
    if nobody not in missing:
        raise fly.refused(target, errors or output)
    return {name: None if ":" in name else name not in missing for name in names}


def _question(names: Iterable[str]) -> object:
    """Return a pipeline whose job asks for each name in a step of its own, so that each is answered alone."""
    plan = [
        {"task": f"secret-{number}", "file": "nothing/task.yml", "params": {"SECRET": f"(({name}))"}}
        for number, name in enumerate(names)
    ]
    return {"jobs": [{"name": "secrets", "plan": plan}]}


def _missing(words: str) -> set[str]:
    """Return the names that the server lacks; raises TrainError for what it says besides."""
    found: set[str] = set()
    for complaint in COMPLAINT.findall(words):
        if undefined := UNDEFINED.search(complaint):
            found |= {name.strip() for name in undefined[1].split(",")}
        elif incomplete := INCOMPLETE.search(complaint):
            found.add(incomplete[1])
        else:
            raise TrainError(
                f"Concourse could not look for the secrets: {complaint}",
                "Look at its credential manager, and run the same command again.",
            )
    return found
