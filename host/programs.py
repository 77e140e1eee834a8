"""Runs programs on this machine, also as root: the one place of the host side that starts processes."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from host.machine import Machine

# What a program needs to find its way; a daemon must not keep our credentials.
KEPT = ("PATH", "HOME", "USER", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
WRAPPED = "DOCKERD_"  # begins the names of what the task image's start script for the engine is told


def output(argv: Sequence[str], machine: Machine) -> tuple[int, str]:
    """Run a program to its end and return its exit code and what it printed, errors included."""
    try:
        done = subprocess.run(
            argv,
            env=_environment(machine),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        return 127, f"{argv[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def stream(argv: Sequence[str], line: Callable[[str], None], machine: Machine) -> int:
    """Run a program to its end, hand over each line that it prints, and return its exit code."""
    with subprocess.Popen(
        argv,
        env=_environment(machine),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for raw in process.stdout or ():
            line(raw.decode("utf-8", "replace").rstrip())
    return process.returncode


def spawn(argv: Sequence[str], log: Path, machine: Machine) -> "subprocess.Popen[bytes]":
    """Start a daemon: its own session, its output in a file, no descriptor of ours, no folder held."""
    with log.open("wb") as file:
        return subprocess.Popen(
            argv,
            env=_environment(machine),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def as_root(machine: Machine, **environment: str) -> list[str] | None:
    """Return the words before a command that run it as root with these variables, or None if we may not."""
    sudo: list[str] = []
    if machine.uid:
        sudo = ["sudo", "-n"]
        if machine.find("sudo") is None or output([*sudo, "true"], machine)[0]:
            return None
    proxies = _picked(machine, PROXIES) if sudo else {}  # sudo drops them
    pairs = [f"{name}={value}" for name, value in {**proxies, **environment}.items()]
    return [*sudo, "env", *pairs] if pairs else sudo


def _environment(machine: Machine) -> dict[str, str]:
    return {**_picked(machine, (*KEPT, *PROXIES)), "LC_ALL": "C"}  # we read some of what they print


def _picked(machine: Machine, names: Sequence[str]) -> dict[str, str]:
    found = machine.environment.items()
    return {k: v for k, v in found if k in names or k.lower() in PROXIES or k.startswith(WRAPPED)}
