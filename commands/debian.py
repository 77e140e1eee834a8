"""Debian systems from this machine's mirrors, by the command line of the foundation, which knows how."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands import wiring
from releaser import report
from releaser.errors import ConfigError
from releaser.tools import shell

PROGRAM = (sys.executable, "-m", "foundation", "debian")
# As apt-get says it; a mirror keeps the newest version alone.
GONE = re.compile(r"E: Version '(?P<version>\S+)' for '(?P<name>\S+)' was not found")
MIRROR = "It needs a Debian mirror, and root or sudo without a password."


def bootstrap(into: Path, packages: Mapping[str, str]) -> None:
    """Write the tar of a minimal system with these packages, at exactly these versions."""
    pins = [f"{name}={version}" for name, version in packages.items()]
    versions(pins)  # by which a mirror that lacks one of them is found in seconds
    argv = [*PROGRAM, "--out", str(into), *pins]
    said: list[str] = []

    def heard(line: str) -> None:
        said.append(line)
        report.fact(line)

    if shell.stream(argv, heard, cwd=wiring.ROOT):
        last = "\n".join(said[-10:])
        raise ConfigError(f"no Debian system can be made of the packages in ci/image:\n{last}", MIRROR)


def versions(names: Sequence[str]) -> Mapping[str, str]:
    """Return the versions that would be installed of packages, NAME or NAME=VERSION."""
    try:
        done = shell.run([*PROGRAM, *names], cwd=wiring.ROOT, error=ConfigError, remedy=MIRROR)
    except ConfigError as error:
        require_there(error.message)
        raise
    return dict(json.loads(done.stdout))


def require_there(said: str) -> None:
    """Raise ConfigError where apt-get has said that versions are not there."""
    gone = sorted({f"{found['name']} {found['version']}" for found in GONE.finditer(said)})
    if gone:
        raise ConfigError(
            f"the mirror does not have {', '.join(gone)}, which ci/image/packages asks for",
            "Run ./inv image --update, which writes the versions that it has, and commit what changed.",
        )
