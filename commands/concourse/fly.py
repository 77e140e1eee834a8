"""Runs Concourse's program `fly`, and explains what it refuses.

No secret is in its arguments, and what it prints of a difference is not shown: that holds what is stored.
"""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from host.errors import HostError
from releaser.errors import TrainError
from releaser.tools import shell

PATIENCE_S = 120
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
AFTER_THE_DIFFERENCE = "pipeline name:"
# What fly says, and what to do then.
REMEDIES = (
    ("not authorized", "Log in: fly -t {target} login"),
    ("unknown target", "Log in, which makes the target: fly -t {target} login -c URL-OF-CONCOURSE -n TEAM"),
    ("out of sync", "Get the fly of that Concourse: fly -t {target} sync"),
    ("could not reach", "Look at its address (fly targets), and whether it runs."),
    ("forbidden", "The user needs the role member of the team, or owner."),
)


def there() -> bool:
    """Return whether fly is on PATH."""
    return shutil.which("fly") is not None


def require() -> None:
    """Raise HostError where fly is not on PATH."""
    if not there():
        raise HostError(
            "the program 'fly' is not on PATH",
            "Your Concourse has it: see its start page, or URL/api/v1/cli?arch=amd64&platform=linux.",
        )


def refusal(pipeline: Path, settings: Path) -> str | None:
    """Return what `fly validate-pipeline --strict` has against a pipeline; None: nothing."""
    code, output, errors = _run(["validate-pipeline", "--strict", "-c", str(pipeline), "-l", str(settings)])
    return None if code == 0 else _below(errors or output)


def put(
    target: str,
    name: str,
    pipeline: Path,
    values: Sequence[Path],
    instance: Sequence[str],
    mask: Callable[[str], str],
) -> list[str]:
    """Set a pipeline with the values of these files, the later ones first; return what fly says, masked."""
    code, output, errors = attempt(target, name, pipeline, values, instance)
    if code != 0:
        raise refused(target, mask(errors or output))
    lines = output.splitlines()
    marks = [number for number, line in enumerate(lines) if line.startswith(AFTER_THE_DIFFERENCE)]
    kept = lines[marks[-1] + 1 :] if marks else lines[-1:]
    return [mask(line) for line in (*errors.splitlines(), *kept) if line.strip()]


def attempt(
    target: str,
    name: str,
    pipeline: Path,
    values: Sequence[Path] = (),
    instance: Sequence[str] = (),
    options: Sequence[str] = (),
) -> tuple[int, str, str]:
    """Ask for a pipeline to be set; return exit code, output and errors."""
    files = [word for path in values for word in ("-l", str(path))]
    instances = [word for pair in instance for word in ("-i", pair)]
    argv = ["-t", target, "set-pipeline", "-p", name, "-c", str(pipeline), *files, *instances, *options]
    return _run([*argv, "--non-interactive"])


def refused(target: str, words: str) -> TrainError:
    """Return the error for what fly says."""
    said = _below(words).removeprefix("error: ") or "it did not say why"
    remedy = next((remedy for sign, remedy in REMEDIES if sign in words), "")
    return TrainError(f"fly refuses: {said}", remedy.format(target=target))


def _below(words: str) -> str:
    """Return lines without gaps, as they stand below an error's first one."""
    return "\n    ".join(line.strip() for line in words.splitlines() if line.strip())


def _run(arguments: Sequence[str]) -> tuple[int, str, str]:
    home = {"FLY_HOME": os.environ["FLY_HOME"]} if os.environ.get("FLY_HOME") else {}
    done = shell.run(["fly", *arguments], env=home, ok=range(256), patience=PATIENCE_S)
    output, errors = (COLOURS.sub("", raw.decode("utf-8", "replace")) for raw in (done.stdout, done.stderr))
    return done.returncode, output.strip(), errors.strip()
