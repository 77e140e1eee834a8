"""The embedded git remote: a bare repository, written as a path on this host, read by containers over git://."""

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from embedded.daemons import Daemon, Keeper
from embedded.errors import EmbeddedError
from embedded.store import HOST

PORT = 7418
NAME = "buildpack.git"
READY_S = 30.0


def ensure(folder: Path, branch: str) -> Path:
    """Return the bare repository, made where it is not there; `branch` is its HEAD."""
    path = folder / NAME
    if not (path / "HEAD").exists():
        folder.mkdir(parents=True, exist_ok=True)
        growing = path.with_suffix(".new")
        shutil.rmtree(growing, ignore_errors=True)
        _git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(growing))
        growing.rename(path)
    _unlock(path)
    return path


def _unlock(path: Path) -> None:
    """Remove the locks of a push that was killed: git itself would wait for ever for who holds them."""
    locks = [*path.glob("*.lock"), *(path / "refs").rglob("*.lock")]
    if locks and not any(_works_in(process, path) for process in psutil.process_iter()):
        for lock in locks:
            lock.unlink(missing_ok=True)


def _works_in(process: psutil.Process, path: Path) -> bool:
    try:
        return "git" in process.name() and Path(process.cwd()) == path
    except (psutil.Error, OSError):
        return False


def serve(keeper: Keeper, folder: Path, gateway: str) -> str:
    """Run a read-only git server on the network's gateway and return the URL that staging clones."""
    daemon = Daemon(
        name="git",
        argv=[
            *("git", "daemon", "--reuseaddr", f"--listen={gateway}", f"--port={PORT}"),
            *("--export-all", f"--base-path={folder}", "--forbid-override=receive-pack"),
            *("--disable=receive-pack", "--max-connections=32", str(folder)),
        ],
        environment={"GIT_CONFIG_GLOBAL": os.devnull},
    )
    if not keeper.adopt(daemon):
        keeper.start(daemon, lambda: keeper.listens("git", PORT), READY_S)
    return f"git://{HOST}:{PORT}/{NAME}"


def _git(*args: str) -> None:
    try:
        subprocess.run(["git", *args], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise EmbeddedError("the program 'git' is not there", "`./inv doctor` says how to get it.") from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode("utf-8", "replace").strip()
        raise EmbeddedError(f"`git {' '.join(args)}` ended with {error.returncode}:\n{words}") from error
