"""Processes on this host, told apart from later ones with the same number by when they started."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process: its number and its start in clock ticks since boot."""

    pid: int
    started: int


def known(pid: int) -> Process:
    """Return the process that has this number now; raises ProcessLookupError where none has."""
    return Process(pid=pid, started=_stat(pid)[1])


def alive(process: Process) -> bool:
    """Say whether this very process still runs; one that has ended and was not waited for does not."""
    try:
        state, started = _stat(process.pid)
    except ProcessLookupError:
        return False
    return started == process.started and state not in "ZX"


def program(process: Process) -> Path | None:
    """Return the file that the process runs; of a file replaced meanwhile not its path."""
    try:
        return Path(f"/proc/{process.pid}/exe").readlink()
    except OSError:
        return None


def wait(process: Process, seconds: float | None = None) -> bool:
    """Wait, for ever where None, until the process, a child or not, has ended; say whether it has."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not alive(process):
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))
    finally:
        os.close(handle)


def end(process: Process, seconds: float) -> None:
    """Send SIGTERM, and SIGKILL after so many seconds."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
        if not alive(process):
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        if wait(process, patience):
            return


def _stat(pid: int) -> tuple[str, int]:
    """Return a process's state letter and its start in clock ticks; raises ProcessLookupError."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError as error:
        raise ProcessLookupError(pid) from error
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])
