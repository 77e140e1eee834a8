"""Runs and builds programs: the one place of the foundation that starts processes on the host."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from foundation.failures import ProgramError

SOURCES = Path(__file__).parent / "go"
NAMES = ("builder", "launcher", "router", "supervisor")
STAMP = "digest"

# What a program needs of the host to find its way; nothing else of the host's settings counts.
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GOPROXY",
    "GONOSUMDB",
    "GOSUMDB",
    # No need of the program's own: by it whoever started us finds a router that a killed server left,
    # also where the state folder with the router's process id is gone.
    "RELEASE_TRAIN_CLONE",
)
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what programs inherit of the host's environment, with `extra` over it."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.lower() in PROXIES}
    return {**kept, **(extra or {})}


def output(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Run a program to its end and return what it printed.

    Raises ProgramError with the program's own words where it is not there or exits with another code than 0.
    """
    words = [str(part) for part in argv]
    try:
        done = subprocess.run(
            words, env=environment(env), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise ProgramError(f"the program '{argv[0]}' cannot be run: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise ProgramError(f"`{' '.join(words)[:200]}` ended with {done.returncode}:\n{said}")
    return done.stdout.decode("utf-8", "replace")


def write(
    argv: Sequence[str | Path],
    into: IO[bytes],
    line: Callable[[str], None],
    *,
    stdin: bytes,
) -> None:
    """Run a program that writes a file to its stdout; `line` gets each line of its stderr.

    Raises ProgramError with the last lines of stderr where it exits with another code than 0.
    """
    said: list[str] = []
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        with subprocess.Popen(
            [str(part) for part in argv],
            env=environment(),
            stdin=given,
            stdout=into,
            stderr=subprocess.PIPE,
        ) as process:
            for raw in process.stderr or ():
                said.append(raw.decode("utf-8", "replace").rstrip())
                line(said[-1])
    if process.returncode:
        raise ProgramError(f"'{argv[0]}' ended with {process.returncode}:\n" + "\n".join(said[-10:]))


def spawn(argv: Sequence[str | Path], *, log: Path, cwd: Path) -> "subprocess.Popen[bytes]":
    """Start a daemon: its own session, output appended to a file, no descriptor of ours inherited."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [str(part) for part in argv],
            env=environment(),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def build(go: Path, out: Path, *, cache: Path | None = None) -> Path:
    """Build the Go programs for this machine into `out` unless they are there; return `out`.

    A stamp file holds the digest of toolchain and sources. Files are replaced one by one and whole, so that
    two builds at once, or a program that runs, are not disturbed. Go's caches lie in `cache`, else
    beside `out`. Raises ProgramError where Go or the download of a module fails.
    """
    env = _go_environment(cache or out.resolve().parent / "cache")
    digest = _digest(output([go, "version"], env=env))
    if _stamp(out) == digest and all((out / name).is_file() for name in NAMES):
        return out
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o755)  # vcap reads it in containers, whatever our umask is
    with tempfile.TemporaryDirectory(dir=out, prefix=".new-") as scratch:
        try:
            output([go, "build", *FLAGS, "-o", f"{scratch}/", "./cmd/..."], env=env, cwd=SOURCES)
        except ProgramError as failure:
            raise ProgramError(
                f"the foundation's Go programs cannot be built: {failure.message}",
                "Where a module could not be downloaded: connect to the network or set GOPROXY.",
            ) from failure
        (out / STAMP).unlink(missing_ok=True)  # a kill amid the replacing must not leave a stamp that lies
        for name in NAMES:
            Path(scratch, name).chmod(0o755)
            Path(scratch, name).replace(out / name)
        stamp = Path(scratch, STAMP)
        stamp.write_text(digest)
        stamp.replace(out / STAMP)
    return out


def _go_environment(cache: Path) -> dict[str, str]:
    return {
        "CGO_ENABLED": "0",
        "GOENV": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOCACHE": str(cache.resolve() / "go-build"),
        "GOMODCACHE": str(cache.resolve() / "go-mod"),
    }


def _stamp(out: Path) -> str:
    try:
        return (out / STAMP).read_text()
    except OSError:
        return ""


def _digest(toolchain: str) -> str:
    """Return the digest of all that the programs are made of."""
    digest = hashlib.sha256(toolchain.encode())
    for path in sorted(SOURCES.rglob("*")):
        if path.name in {"go.mod", "go.sum"} or (path.suffix == ".go" and not path.name.endswith("_test.go")):
            digest.update(f"\n{path.relative_to(SOURCES)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
