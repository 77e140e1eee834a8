"""Makes sure that a Docker engine answers: a user's is used as it is, else one is installed and started."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from host import packages, programs
from host.errors import HostError
from host.machine import Machine, here
from host.packages import Say
from host.probe import Probe, probe

NOTE = "engine.json"  # in the folder: the engine that we started
LOG = "dockerd.log"
START_S = 90
POLL_S = 0.1
LAST_LINES = 12
HINT = (
    "Mend what it says (in a container it must be a privileged one), or name another engine in DOCKER_HOST."
)
INSTALLING = "https://docs.docker.com/engine/install/"


def ensure(say: Say, *, folder: Path, machine: Machine | None = None) -> None:
    """Return when an engine answers; `folder` keeps dockerd's log and notes for `./inv clean`.

    Raises HostError where none answers and we cannot, or must not, install or start one.
    """
    machine = machine or here()
    found = probe(machine)
    if found.state == "answers":
        return
    root = programs.as_root(machine) if _may_be_ours(found, machine) else None
    if root is None:
        raise HostError(_silence(found, machine), remedy(found, machine))
    say(_silence(found, machine))
    if packages.ensure_packages(["docker.io"], say, folder=folder, machine=machine):
        found = probe(machine)  # the package may have started it
    if found.state == "silent":
        _start(root, say, folder, machine)
    elif found.state == "denied":
        raise HostError(_silence(found, machine), remedy(found, machine))


def remedy(found: Probe, machine: Machine) -> str:
    """Return what a user does about an engine that does not answer: one command where one will do."""
    if machine.engine_is_chosen:
        return "DOCKER_HOST names it: start that engine, or unset DOCKER_HOST to use this machine's own."
    if machine.system != "Linux":
        return f"The local foundation runs on Linux only, not on {machine.system}: use a Linux machine or VM."
    sudo = "sudo " if machine.uid else ""
    if found.state == "denied":
        return 'Run: sudo usermod -aG docker "$USER", then log in again.'
    if packages.missing(["docker.io"], machine):
        by_hand = packages.command(["docker.io"], machine)
        return f"Run: {by_hand}" if machine.debian else f"Install Docker Engine: {INSTALLING}"
    started = "systemctl start docker" if machine.systemd else "dockerd >/tmp/dockerd.log 2>&1 &"
    return f"Run: {sudo}{started}"


def noted(folder: Path) -> str:
    """Return the command that stops the engine that we started, or "" where there is none of ours."""
    with suppress(OSError, ValueError):
        note = json.loads((folder / NOTE).read_text())
        pid = note["pid"]
        comm = Path(f"/proc/{pid}/comm").read_text().strip() if pid else "dockerd"
        return str(note["stop"]) if comm in {"dockerd", "sudo"} else ""
    return ""


def _silence(found: Probe, machine: Machine) -> str:
    return f"No Docker engine answers at {machine.engine_address}: {found.said}"


def _may_be_ours(found: Probe, machine: Machine) -> bool:
    return (
        found.state == "silent"
        and not machine.engine_is_chosen
        and machine.system == "Linux"
        and machine.debian
    )


def _start(root: Sequence[str], say: Say, folder: Path, machine: Machine) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if machine.systemd:
        say("Starting the Docker engine (systemctl start docker)")
        _start_unit(root, folder, machine)
    else:
        say(f"Starting the Docker engine (dockerd, output in {folder / LOG})")
        _start_daemon(root, folder, machine)


def _start_unit(root: Sequence[str], folder: Path, machine: Machine) -> None:
    code, words = programs.output([*root, "systemctl", "start", "docker"], machine)
    journal = [*root, "journalctl", "--no-pager", "-q", "-o", "cat", "-n", str(LAST_LINES), "-u", "docker"]
    if code:
        said = programs.output(journal, machine)[1]
        raise HostError(
            f"systemctl could not start the Docker engine:\n{words}\n{said}",
            "Run: sudo systemctl status docker",
        )
    _note(folder, None, "sudo systemctl stop docker docker.socket")
    _wait(machine, _sleep, lambda: programs.output(journal, machine)[1])


def _start_daemon(root: Sequence[str], folder: Path, machine: Machine) -> None:
    log = folder / LOG
    group = ["--group", str(machine.gid)] if machine.uid else []  # else only root may use its socket
    daemon = programs.spawn([*root, "dockerd", *group], log, machine)
    _note(folder, daemon.pid, f"{'sudo ' if machine.uid else ''}kill {daemon.pid}")

    def ended() -> bool:
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(POLL_S)
        if daemon.returncode is None:
            return False
        return _sleep() if _of_another(log) else True

    try:
        _wait(machine, ended, lambda: _tail(log))
    except HostError:
        with suppress(PermissionError):  # started by sudo, which we may not signal
            daemon.terminate()
        (folder / NOTE).unlink()
        raise


def _wait(machine: Machine, ended: Callable[[], bool], words: Callable[[], str]) -> None:
    """Wait until the engine answers; `ended` takes a moment and says whether that is in vain."""
    deadline = time.monotonic() + START_S
    while (found := probe(machine)).state == "silent":
        in_vain = ended()
        if in_vain or time.monotonic() > deadline:
            why = "ended" if in_vain else f"does not answer after {START_S} s"
            raise HostError(f"The Docker engine was started, but {why}. Its last words:\n{words()}", HINT)
    if found.state == "denied":
        raise HostError(_silence(found, machine), remedy(found, machine))


def _sleep() -> bool:
    time.sleep(POLL_S)
    return False


def _of_another(log: Path) -> bool:
    """Say whether ours ended because another run's dockerd was first; that one will answer."""
    return "is still running" in _tail(log)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:])


def _note(folder: Path, pid: int | None, stop: str) -> None:
    (folder / NOTE).write_text(json.dumps({"pid": pid, "stop": stop}))
