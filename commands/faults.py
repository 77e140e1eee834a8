"""What `./inv faults` does: runs the fault harness, which knows nothing of the rest, with what it needs."""

import subprocess
import sys

from commands import wiring
from releaser import report


def run(*, runs: int, seed: str, only: str, jobs: int) -> None:
    """Play runs; ends with 1 where one of them broke a promise."""
    from host import packages

    if packages.can_install():
        packages.ensure_packages(("faketime",), report.say, folder=wiring.HOST_STATE)
    argv = [sys.executable, "-m", "faults", f"--runs={runs}", f"--jobs={jobs}"]
    argv += [f"--{name}={value}" for name, value in (("seed", seed), ("only", only)) if value]
    raise wiring.ended(subprocess.run(argv, cwd=wiring.ROOT, check=False).returncode)
