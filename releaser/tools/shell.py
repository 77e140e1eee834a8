"""Runs programs: from argument lists, in a known environment, with their own words in errors."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from releaser.errors import TrainError

# What a program needs of the host to find its way; everything else is given where it is called.
KEPT = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK")
KEPT_PREFIXES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
)


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
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its output as bytes.

    Raises `error` with the program's own words where its exit code is not among `ok`.
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
        )
    except FileNotFoundError as missing:
        if cwd is not None and not cwd.is_dir():
            raise error(f"there is no folder {cwd}", remedy) from missing
        raise error(
            f"the program '{argv[0]}' is not there", "`./inv doctor` says how to get it."
        ) from missing
    if done.returncode not in ok:
        words = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise error(f"`{_shown(argv)}` ended with {done.returncode}:\n{words}", remedy)
    return done


def stream(
    argv: Sequence[str | Path],
    line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run a program, hand over each line that it prints, and return its exit code."""
    with subprocess.Popen(
        [str(part) for part in argv],
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for raw in process.stdout or ():
            line(raw.decode("utf-8", "replace").rstrip("\n"))
    return process.returncode


def _shown(argv: Sequence[str | Path]) -> str:
    words = [Path(argv[0]).name, *(str(part) for part in argv[1:])]
    shown = " ".join(words)
    return shown if len(shown) < 200 else shown[:200] + " …"
