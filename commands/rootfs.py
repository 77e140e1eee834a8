"""Carries the stacks' root file systems from engine to engine: by a file, the bucket, a task's input."""

import os
import re
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import wiring
from host import images
from releaser import config, report
from releaser.errors import ConfigError
from releaser.model import World, sha256

FOLDER = "RELEASE_ROOTFS"  # a variable: where a task finds what ci/pipeline.yml fetches
NAME = re.compile(r"rootfs-(?P<number>[0-9]+)\.tar")
MAKING = "./inv foundation rootfs --upload production"


def keep(save: str, upload: str) -> None:
    """Write the images of all stacks to one tar, and put it into an environment's bucket."""
    if not (save or upload):
        raise ConfigError(
            "there is nowhere to put the root file systems",
            f"Name a file, or an environment with its bucket: --save FILE, or: {MAKING}",
        )
    world = wiring.looking(upload) if upload else None  # which may be wrong, and saving takes a while
    with TemporaryDirectory() if not save else nullcontext(".") as folder:
        into = Path(save) if save else Path(folder, "rootfs.tar")
        _save(into)
        if world:
            _upload(into, world)


def _save(into: Path) -> None:
    settings = config.load(wiring.SETTINGS)
    wiring.ensure_machine("mmdebstrap")
    report.title(f"Saving the root file systems of {', '.join(settings.stacks)}")
    names = [wiring.embedded().image(stack, report.fact) for stack in settings.stacks]
    into.parent.mkdir(parents=True, exist_ok=True)
    images.save(names, into)
    report.fact(f"{into}: {report.size(into.stat().st_size)}")


def _upload(tar: Path, world: World) -> None:
    """Put it under the next number: the highest is the one that tasks get."""
    prefix = f"{world.config.s3.prefix}/rootfs/"
    found = (NAME.fullmatch(row.key.removeprefix(prefix)) for row in world.store.list(prefix))
    number = max((int(one["number"]) for one in found if one), default=0) + 1
    key = f"{prefix}rootfs-{number}.tar"
    report.title(f"Putting it into the bucket as {key}")
    with report.transfer(key, tar.stat().st_size) as advance:
        world.store.put_new(key, tar, digest=sha256(tar), kind="application/x-tar", advance=advance)
    report.fact("The pipeline's next acceptance loads it.")


def bring() -> None:
    """Load what a task was given into the engine; a file that is empty stands for none."""
    folder = os.environ.get(FOLDER, "")
    if not folder:
        return
    found = newest(Path(folder))
    if found is None:
        report.say(
            f"No root file system lies in {folder}: one is pulled or made, which needs a network. "
            f"To bring one: {MAKING}"
        )
        return
    report.say(f"Loading the root file systems of {found}")
    images.load(found)


def newest(folder: Path) -> Path | None:
    """Return the file with the highest number among those that are not empty."""
    rows = {
        int(found["number"]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (found := NAME.fullmatch(path.name)) and path.stat().st_size
    }
    return rows[max(rows)] if rows else None
