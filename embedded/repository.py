"""The embedded git remote: a bare repository, written as a path on this host, read by containers over git://."""

import os
import subprocess
from pathlib import Path

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
        _git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(path))
    return path


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
