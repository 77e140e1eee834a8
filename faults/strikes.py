"""What each kind of fault does when it strikes."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from faults import subject
from faults.attempt import COMMAND
from faults.fault import Act, Fault
from faults.stage import Stage
from faults.subject import ENVIRONMENT
from faults.watch import Treatment
from faults.world import OTHER_KEY

LIBRARY = "usr/lib/*/faketime/libfaketime.so.1"
VERBS = ("build", "upload", "bump", "commit", "package", "accept", "promote")


def treat(name: str) -> Act:
    """Let a server answer otherwise than it should."""
    return lambda _, fault: Treatment(name=name, amount=fault.amount)


def nothing(_stage: Stage, _fault: Fault) -> None:
    """Do nothing: what is prepared strikes by itself."""


def kill(number: int, *, group: bool = True) -> Act:
    """Send a signal."""
    return lambda stage, _: stage.release.kill(number, group=group)


def late(stage: Stage, fault: Fault) -> Treatment:
    """Kill the release; its write arrives when the next attempt may be running."""
    stage.release.kill()
    return Treatment(name="late", amount=fault.amount)


def power_cut(stage: Stage, fault: Fault) -> None:
    """Kill the S3 server, and start it again."""

    def restart() -> None:
        time.sleep(fault.amount)
        stage.world.server.start()

    stage.world.server.kill()
    stage.later(threading.Thread(target=restart, daemon=True))


def wrong_credentials(stage: Stage, _fault: Fault) -> None:
    """Let the release sign with another key."""
    stage.set({"AWS_SECRET_ACCESS_KEY": OTHER_KEY})


def suite(mode: str) -> Act:
    """Let the acceptance suite report otherwise in this attempt."""

    def act(stage: Stage, _fault: Fault) -> None:
        stage.tell_suite(mode)

    return act


def reject(stage: Stage, fault: Fault) -> None:
    """Let the remote refuse every push, for this attempt or for good."""
    stage.hook("pre-receive", 'echo "the remote is frozen" >&2; exit 1', stays=bool(fault.amount))


def protect(stage: Stage, fault: Fault) -> None:
    """Let the remote refuse pushes to main, in the words of a protected branch."""
    words = "GH006: Protected branch update failed for refs/heads/main."
    script = f'[ "$1" != refs/heads/main ] || {{ echo "error: {words}" >&2; exit 1; }}'
    stage.hook("update", script, stays=bool(fault.amount))


def note(stage: Stage, _fault: Fault) -> None:
    """Push what is not worth a release."""
    stage.move_main(subject.NOTE)


def change(stage: Stage, _fault: Fault) -> None:
    """Push what is."""
    stage.move_main(subject.CHANGE)


def rival(*, held: bool, newer: bool = False, older: bool = False) -> Act:
    """Let other clones release; `older` needs `change` before: they take what main was then."""

    def act(stage: Stage, fault: Fault) -> None:
        command: Sequence[str] = COMMAND
        if newer:
            stage.move_main(subject.CHANGE)
        if older:
            command = one_by_one(subject.git(stage.world.remote, "rev-parse", f"{stage.moved[0][1]}^"))
        stage.rivals(int(fault.amount), held=held, command=command)

    return act


def full_disk(stage: Stage, fault: Fault) -> None:
    """Give all local files a small file system of their own."""
    size = f"size={int(fault.amount)}m"
    place = ".local/releases"
    script = f'mkdir -p {place} && mount -t tmpfs -o {size} tmpfs {place} || exit 99; exec "$@"'
    stage.wrap(*_unshare(), "sh", "-c", script, "sh")


def _unshare() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


@cache
def has_clock() -> bool:
    """Say whether libfaketime is here."""
    return any(Path("/").glob(LIBRARY))


@cache
def can_mount() -> bool:
    """Say whether this machine lets us."""
    argv = [*_unshare(), "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


def clock(stage: Stage, _fault: Fault) -> None:
    """Put the release under a clock that can be set."""
    file = stage.folder / "clock"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("+0\n", encoding="utf-8")
    library = str(next(Path("/").glob(LIBRARY)))
    stage.set(
        {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
        }
    )


def jump(stage: Stage, fault: Fault) -> None:
    """Set it."""
    (stage.folder / "clock").write_text(f"{fault.amount:+g}d\n", encoding="utf-8")


def steps(stage: Stage, fault: Fault) -> None:
    """Run the steps one by one, and lose all local files after one of them."""
    stage.release.command = one_by_one(lost_after=int(fault.amount))


def one_by_one(at: str = "", *, lost_after: int | None = None) -> Sequence[str]:
    """Return a command that runs each step alone, as a pipeline does; `at` is the source, else main's."""
    options = f"--env {ENVIRONMENT}"
    lines = ["set -e", f"./inv plan {options} --out .local/train.json" + (f" --at {at}" if at else "")]
    for number, verb in enumerate(VERBS):
        lines.append(f"./inv {verb} {options} --train .local/train.json")
        if number == lost_after:
            lines.append("rm -rf .local/releases")
    return ("sh", "-c", "\n".join(lines))
