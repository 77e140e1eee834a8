"""Runs steps: says what it does, does what is not done yet, and looks at the world again afterwards."""

from types import ModuleType

from releaser import report
from releaser.errors import EvidenceError
from releaser.model import Release
from releaser.steps import accept, build, bump, commit, package, promote, upload

STEPS = (build, upload, bump, commit, package, accept, promote)


def verb(step: ModuleType) -> str:
    """Return a step's verb, which is its module's name."""
    return step.__name__.rpartition(".")[2]


def title(step: ModuleType) -> str:
    """Return the first line of a step's docstring, without its full stop."""
    return (step.__doc__ or verb(step)).splitlines()[0].rstrip(".")


def find_step(name: str) -> ModuleType:
    """Return the step of a verb."""
    return next(step for step in STEPS if verb(step) == name)


def run(step: ModuleType, release: Release) -> None:
    """Do a step unless the world shows that it is done; raises EvidenceError where doing it shows nothing."""
    report.title(title(step))
    reason = step.skip(release)
    if reason:
        report.fact(f"skipped: {reason}")
        return
    evidence = step.find(release)
    if evidence:
        report.fact(f"already done: {evidence}")
        return
    step.run(release)
    evidence = step.find(release)
    if not evidence:
        raise EvidenceError(
            f"`{verb(step)}` ended without an error, but nothing shows that it is done",
            "Somebody may have removed what it made. Run the same command again.",
        )
    report.fact(evidence)
