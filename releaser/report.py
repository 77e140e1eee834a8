"""The one place that prints: titles, facts and progress, with every secret replaced by its name."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "CF_PASSWORD", "CF_CLIENT_SECRET", "GIT_PASSWORD")
SHORTEST = 4  # a shorter "secret" would hide half of every word
USERINFO = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")

Advance = Callable[[int], None]


def mask(text: str) -> str:
    """Return the text without the values of known secrets and without passwords in URLs."""
    for name in SECRETS:
        for line in os.environ.get(name, "").splitlines():  # what is printed comes line by line
            if len(line) >= SHORTEST:
                text = text.replace(line, f"(({name}))")
    return USERINFO.sub("((credentials))", text)


def say(text: str = "") -> None:
    """Print one line."""
    sys.stdout.write(mask(text) + "\n")
    sys.stdout.flush()


def title(text: str) -> None:
    """Print the line that opens a step, as buildpacks do."""
    say(f"-----> {text}")


def fact(text: str) -> None:
    """Print a line below a title."""
    for line in text.splitlines() or [""]:
        say(f"       {line}")


def facts(rows: Mapping[str, object]) -> None:
    """Print names and values below a title, in two columns."""
    width = max((len(name) for name in rows), default=0)
    for name, value in rows.items():
        first, *more = str(value).splitlines() or [""]
        fact("\n".join([f"{name:<{width}}  {first}", *(f"{'':<{width}}  {line}" for line in more)]))


def document(value: Any) -> None:
    """Print a value as JSON, for scripts."""
    say(json.dumps(value, indent=2, sort_keys=True))


def error(message: str, remedy: str = "") -> None:
    """Print what is wrong and what to do, on standard error."""
    lines = [f"Error: {message}", *(f"       {line}" for line in remedy.splitlines())]
    sys.stderr.write(mask("\n".join(lines)) + "\n")
    sys.stderr.flush()


def size(count: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


@contextmanager
def transfer(what: str, total: int) -> Iterator[Advance]:
    """Show how far a transfer of `total` bytes is: a bar on a terminal, nothing elsewhere.

    Yields a function that takes the number of bytes that have just gone.
    """
    if not sys.stdout.isatty() or total < 4 << 20:
        yield lambda _count: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("       {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that something of unknown length is under way; print a plain line elsewhere."""
    if not sys.stdout.isatty():
        fact(f"{what} …")
        yield
        return
    from rich.console import Console

    with Console().status(f"{what} …"):
        yield
