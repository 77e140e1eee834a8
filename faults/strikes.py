"""What each kind of fault does when it strikes."""

import os
import shutil
import subprocess
import threading
import time
from functools import cache
from pathlib import Path

from faults import subject
from faults.fault import Act, Fault
from faults.stage import Stage
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


def rival(*, held: bool, newer: bool) -> Act:
    """Let other clones release."""

    def act(stage: Stage, fault: Fault) -> None:
        if newer:
            stage.move_main(subject.CHANGE)
        stage.rivals(int(fault.amount), held=held)

    return act


def full_disk(stage: Stage, fault: Fault) -> None:
    """Give all local files a small file system of their own."""
    size = f"size={int(fault.amount)}m"
    places = " ".join(f".local/{name}" for name in ("releases", "git"))
    script = (
        f"mkdir -p {places} .local/small && mount -t tmpfs -o {size} tmpfs .local/small"
        " && for one in releases git; do mkdir .local/small/$one"
        " && mount --bind .local/small/$one .local/$one || exit 99; done"
        ' && exec "$@"'
    )
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
    """Run the steps one by one, as a pipeline does, and lose all local files after one of them."""
    lines = ["set -e", "./inv plan --env faults --out .local/train.json"]
    for number, verb in enumerate(VERBS):
        lines.append(f"./inv {verb} --env faults --train .local/train.json")
        if number == fault.amount:
            lines.append("rm -rf .local/releases")
    stage.release.command = ["sh", "-c", "\n".join(lines)]
