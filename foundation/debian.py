"""Makes the tar of a Debian system from the host's own mirrors, as root: by mmdebstrap."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from foundation import programs, sources
from foundation.failures import ProgramError, RootfsError

Say = Callable[[str], None]
INSTALLED = re.compile(r"^Inst (\S+) \((\S+) ", re.MULTILINE)  # as apt-get says what it would do
SUITE = "bookworm"
LEFT_OUT = tuple(f"/usr/share/{name}/*" for name in ("man", "info", "doc", "locale"))
# Runs on the host; $1 is the new root. How this machine reaches mirrors and names is not the system's affair.
FORGET = (
    "rm -rf $1/etc/apt/sources.list $1/etc/apt/apt.conf.d/99mmdebstrap $1/etc/resolv.conf $1/etc/hostname"
)
REMEDY = "It needs a Debian mirror: the host's own sources for {}, else mmdebstrap's default one."


def bootstrap(
    into: Path, suite: str, packages: Sequence[str], *, left_out: Sequence[str], hook: str, say: Say
) -> None:
    """Write the tar of a system with these packages, NAME or NAME=VERSION, and what they depend on.

    `left_out` are paths that no package may bring, `hook` is shell that runs at the end with the new root as
    $1. Raises RootfsError.
    """

    def heard(line: str) -> None:
        if "customize-hook" not in line:  # a screenful of shell
            say(f"  {line.removeprefix('I: ')}")

    settings = [f"--dpkgopt=path-exclude={path}" for path in left_out]
    with into.open("wb") as file:
        _run(suite, packages, [*settings, "--format=tar", f"--customize-hook={hook}"], file, heard)


def versions(suite: str, packages: Sequence[str]) -> Mapping[str, str]:
    """Return which version of each package, NAME or NAME=VERSION, would be installed; raises RootfsError."""
    said: list[str] = []
    with Path(os.devnull).open("wb") as nothing:
        _run(suite, packages, ["--simulate", "--verbose", "--format=null"], nothing, said.append)
    found = dict(INSTALLED.findall("\n".join(said)))
    return {name: found[name] for name in (package.partition("=")[0] for package in packages)}


def _run(suite: str, packages: Sequence[str], options: Sequence[str], into: IO[bytes], heard: Say) -> None:
    argv = [*_as_root(sources.proxies()), _mmdebstrap(), "--variant=essential", "--mode=root", *options]
    argv += ['--aptopt=Apt::Install-Recommends "false"', '--aptopt=Acquire::Retries "3"']
    lines = sources.lines(suite)
    argv += [f"--include={','.join(packages)}", suite, "-"]
    argv += ["-"] if lines else []  # else mmdebstrap's own choice of mirror
    try:
        programs.write(argv, into, heard, stdin="\n".join(lines).encode())
    except ProgramError as error:
        raise RootfsError(f"the system cannot be made: {error.message}", REMEDY.format(suite)) from error


def _mmdebstrap() -> str:
    program = shutil.which("mmdebstrap")
    if program is None:
        raise RootfsError(
            "mmdebstrap, which makes a system of Debian packages, is missing",
            "Install it: apt-get install mmdebstrap",
        )
    return program


def _as_root(environment: Mapping[str, str]) -> list[str]:
    """Return the words before a command that runs it as root, with these variables."""
    pairs = [f"{name}={value}" for name, value in environment.items()]
    if os.geteuid() == 0:
        return ["env", *pairs]
    sudo = shutil.which("sudo")
    try:
        programs.output([sudo or "sudo", "-n", "true"])
    except ProgramError as error:
        raise RootfsError(
            "such a system can only be made as root, and sudo without a password does not work here",
            "Run once as root, or allow sudo without a password for mmdebstrap.",
        ) from error
    return [str(sudo), "-n", "env", *pairs]
