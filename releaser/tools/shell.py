"""Runs programs: from argument lists, in a known environment, with their own words in errors."""

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from releaser.errors import TrainError

ASKED = (signal.SIGINT, signal.SIGTERM)  # to end
# What a program needs of the host to find its way; everything else is given where it is called.
KEPT = (
    *("PATH", "HOME", "USER", "TMPDIR", "LANG", "SSH_AUTH_SOCK"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"),
)
KEPT_PREFIXES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
)
FULL = os.strerror(errno.ENOSPC)  # how programs word it too


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what programs inherit of the host's environment, with `extra` over it."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name in KEPT_PREFIXES}
    return {**kept, **(extra or {})}


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    error: type[TrainError] = TrainError,
    remedy: str = "",
    ok: Sequence[int] = (0,),
    patience: float | None = None,
    shown: Sequence[str | Path] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its output as bytes.

    Raises `error` with the program's own words where its exit code is not among `ok`, and where it takes more
    than `patience` seconds. `shown` is how the error names the call, where not by all of its arguments.
    """
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            env=environment(env),
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=patience,
        )
    except subprocess.TimeoutExpired as late:
        raise error(f"`{_shown(shown or argv)}` did not end within {patience:.0f} s", remedy) from late
    except FileNotFoundError as missing:
        if cwd is not None and not cwd.is_dir():
            raise error(f"there is no folder {cwd}", remedy) from missing
        raise error(
            f"the program '{argv[0]}' is not there", "`./inv doctor` says how to get it."
        ) from missing
    if done.returncode not in ok:
        words = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        if FULL in words:
            raise OSError(errno.ENOSPC, FULL, str(argv[0]))
        raise error(f"`{_shown(shown or argv)}` ended with {done.returncode}:\n{words}", remedy)
    return done


def stream(
    argv: Sequence[str | Path],
    line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run a program, hand over each line that it prints, and return its exit code.

    SIGINT and SIGTERM are passed on to it; KeyboardInterrupt is raised once it has tidied up and ended.
    """
    process = subprocess.Popen(
        [str(part) for part in argv],
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process, _passing_on(process):
        for raw in process.stdout or ():
            line(raw.decode("utf-8", "replace").rstrip("\n"))
        process.wait()
    return process.returncode


@contextmanager
def _passing_on(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Let a program end in its own time where we are told to end, and end ourselves after it."""
    seen: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        process.send_signal(number)

    here = threading.current_thread() is threading.main_thread()  # only there signals can be handled
    before = {number: signal.signal(number, pass_on) for number in ASKED} if here else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if seen:
        raise KeyboardInterrupt


def _shown(argv: Sequence[str | Path]) -> str:
    words = [Path(argv[0]).name, *(str(part) for part in argv[1:])]
    shown = " ".join(words)
    return shown if len(shown) < 200 else shown[:200] + " …"
