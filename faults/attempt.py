"""One attempt: runs `./inv release` under strikes, to its end or until it is killed."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faults.subject import ENVIRONMENT

LIMIT_S = 300.0
COMMAND = ("./inv", "release", "--env", ENVIRONMENT)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt ended: its exit code (negative: the signal), what it printed, and how long it took."""

    code: int
    output: str = field(repr=False)
    seconds: float
    killed: bool = False
    hung: bool = False


@dataclass
class Attempt:
    """A release that runs in `clone`, in a process group of its own; what it prints goes to `log`."""

    clone: Path
    environment: Mapping[str, str]
    log: Path
    command: Sequence[str] = COMMAND
    process: "subprocess.Popen[bytes] | None" = None
    killed: bool = False
    began: float = 0.0

    def start(self) -> None:
        """Run it."""
        self.began = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                list(self.command),
                cwd=self.clone,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def kill(self, number: int = signal.SIGKILL, *, group: bool = True) -> None:
        """Send a signal to the whole group, or to the command alone; its children then live on.

        What SIGKILL hits has ended when this returns: later strikes of the moment find it so.
        """
        if self.process is None or self.process.poll() is not None:
            return
        self.killed = True
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait(LIMIT_S)

    def end(self) -> Outcome:
        """Wait for the end of the command, and return how it was."""
        if self.process is None:
            raise RuntimeError("the attempt has not been started")
        hung = False
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        return Outcome(
            code=code,
            output=self.log.read_text(encoding="utf-8", errors="replace"),
            seconds=time.monotonic() - self.began,
            killed=self.killed,
            hung=hung,
        )

    def bury(self) -> None:
        """Kill what is left of the group."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
