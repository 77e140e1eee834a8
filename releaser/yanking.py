"""Yanking: the bucket says of a published version that it must not be used; nothing is deleted."""

import datetime
import hashlib
from dataclasses import asdict
from pathlib import Path

from releaser import page, report
from releaser.errors import ConfigError, OverwriteError
from releaser.installing import published
from releaser.installing.published import YANKED, Yank
from releaser.model import World, encode
from releaser.tools import shell


def yank(world: World, here: Path, version: str, reason: str) -> None:
    """Put yanked.json, and refresh the page; one that is yanked for this reason already stays as it is.

    Raises ConfigError for an unknown version, OverwriteError where it is yanked for another reason.
    """
    if not reason.strip():
        raise ConfigError("a yank without a reason helps nobody", "Give one: --reason 'leaks its port'")
    where = published.place(world)
    release = published.get(where, version)
    wanted = Yank(version=version, reason=reason.strip(), date=_now(), by=_who(world, here))
    there = release.yank or _put(where, wanted)
    if there.reason != wanted.reason:
        raise OverwriteError(
            f"{world.config.name} {version} is yanked since {there.date} by {there.by}: {there.reason}",
            "What is published is never overwritten: that reason stays.",
        )
    report.say(f"{world.config.name} {version} is yanked since {there.date} by {there.by}: {there.reason}")
    page.refresh(world)


def _put(where: published.Place, wanted: Yank) -> Yank:
    """Put it conditionally, and return what the bucket says then: another yank may have been faster."""
    content = encode(asdict(wanted))
    digest, key = hashlib.sha256(content).hexdigest(), f"{where.prefix}/{wanted.version}/{YANKED}"
    try:
        where.store.put_new(key, content, digest=digest, kind="application/json")
    except OverwriteError:
        there = published.yank_of(where, wanted.version)
        if there is None:
            raise
        return there
    return wanted


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _who(world: World, here: Path) -> str:
    """Return who git says that the user is, else the train's own author."""
    name = shell.run(["git", "config", "user.name"], cwd=here, ok=(0, 1)).stdout.decode().strip()
    return name or world.config.git.author.name
