"""Starts, adopts and stops daemons: each in its own session, writing to a file, found again after a kill.

A daemon is known by a note in the folder (process id and start time); one whose note was lost, as where
`.local/` was deleted, is known by the mark in its environment.
"""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from embedded.errors import EmbeddedError

MARK = "RELEASE_TRAIN_CLONE"
# What a daemon needs of the host to find its way; nothing else of the host's settings counts.
KEPT = ("PATH", "HOME", "USER", "TMPDIR", "LANG", "DOCKER_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
LOOK_S = 0.05
KEPT_LOG = 8 << 20  # bytes of a log; a longer one is begun anew at the next start


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A program to keep running; `code` stands for what it runs, so that a changed one is started again."""

    name: str
    argv: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    code: str = ""
    patience_s: float = 10  # between SIGTERM and SIGKILL

    def fingerprint(self) -> str:
        """Return the digest of all that decides what the daemon does."""
        parts = [*map(str, self.argv), self.code, *sorted(f"{k}={v}" for k, v in self.environment.items())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Keeps one clone's daemons; notes and logs lie in `folder`."""

    folder: Path
    clone: str

    def adopt(self, daemon: Daemon) -> bool:
        """Say whether the daemon runs already just as it is wanted; one that differs is stopped."""
        process = self._process(daemon.name)
        if process is None:
            return False
        if self._note(daemon.name).get("fingerprint") == daemon.fingerprint():
            return True
        self.stop(daemon.name, daemon.patience_s)
        return False

    def start(self, daemon: Daemon, ready: Callable[[], bool], limit_s: float) -> None:
        """Run the daemon and wait until it is ready; raises EmbeddedError with its last words."""
        self.folder.mkdir(parents=True, exist_ok=True)
        child = self._spawn(daemon)
        deadline = time.monotonic() + limit_s
        while not ready():
            if child.poll() is not None:
                raise self._failed(daemon, f"ended with {child.returncode}")
            if time.monotonic() > deadline:
                self.stop(daemon.name, daemon.patience_s)
                raise self._failed(daemon, f"is not ready after {limit_s:.0f} s")
            time.sleep(LOOK_S)

    def _spawn(self, daemon: Daemon) -> "subprocess.Popen[bytes]":
        log = self.log(daemon.name)
        if log.exists() and log.stat().st_size > KEPT_LOG:
            log.unlink()
        kept = {name: value for name, value in os.environ.items() if name in KEPT or name.lower() in PROXIES}
        with log.open("ab") as out:
            child = subprocess.Popen(
                [str(part) for part in daemon.argv],
                env={**kept, **daemon.environment, MARK: self.clone},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        started = psutil.Process(child.pid).create_time()
        note = {"pid": child.pid, "started": started, "fingerprint": daemon.fingerprint()}
        growing = self._path(daemon.name).with_suffix(".new")
        growing.write_text(json.dumps(note), encoding="utf-8")
        growing.replace(self._path(daemon.name))
        return child

    def stop(self, name: str, patience_s: float = 10) -> bool:
        """End a daemon, SIGTERM then SIGKILL, and say whether it ran."""
        process = self._process(name)
        if process is not None:
            _end([process], patience_s)
        self._path(name).unlink(missing_ok=True)
        return process is not None

    def running(self, name: str) -> bool:
        """Say whether a daemon runs, whatever it was started with."""
        return self._process(name) is not None

    def listens(self, name: str, port: int) -> bool:
        """Say whether the daemon, or a child of it, accepts connections on a TCP port."""
        process = self._process(name)
        if process is None:
            return False
        try:
            family = [process, *process.children()]
            found = [one for each in family for one in each.net_connections("tcp")]
        except psutil.Error:
            return False
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)

    def stop_strays(self) -> list[str]:
        """End the daemons of this clone that no note speaks of, and return what they were."""
        noted = {process.pid for process in map(self._process, self.names()) if process}
        strays = [process for process in psutil.process_iter() if self._is_stray(process, noted)]
        shown = [_words(process) for process in strays]
        _end(strays, 10)
        return shown

    def names(self) -> list[str]:
        """Return the daemons that notes speak of."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def log(self, name: str) -> Path:
        """Return the file that a daemon writes to."""
        return self.folder / f"{name}.log"

    def _is_stray(self, process: psutil.Process, noted: set[int]) -> bool:
        """Say whether this process leads a session, carries the clone's mark, and is no noted one's child."""
        try:
            if process.pid in noted or os.getsid(process.pid) != process.pid:
                return False
            if process.environ().get(MARK) != self.clone:
                return False
            return not noted.intersection(parent.pid for parent in process.parents())
        except (psutil.Error, OSError):
            return False

    def _process(self, name: str) -> psutil.Process | None:
        note = self._note(name)
        try:
            process = psutil.Process(int(note["pid"]))
            same = process.create_time() == note["started"]
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.Error, KeyError):
            return None

    def _note(self, name: str) -> dict[str, float | str]:
        try:
            return dict(json.loads(self._path(name).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _failed(self, daemon: Daemon, what: str) -> EmbeddedError:
        log = self.log(daemon.name)
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
        return EmbeddedError(
            f"the embedded {daemon.name} {what}; its last words:\n" + "\n".join(f"  {line}" for line in last),
            f"All of it is in {log}. `./inv doctor` says whether something is missing.",
        )


def _end(processes: Sequence[psutil.Process], patience_s: float) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    left = _wait(processes, patience_s)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(left, 10)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait for processes to end, and return those that have not; init may take its time to bury the dead."""
    deadline = time.monotonic() + seconds
    while (left := [one for one in processes if _lives(one)]) and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> str:
    try:
        return f"{process.name()} ({process.pid})"
    except psutil.Error:
        return str(process.pid)
