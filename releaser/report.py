"""The one place that prints: titles, facts and progress, with every secret replaced by its name."""

import json
import os
import re
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Any

SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CF_PASSWORD",
    "CF_CLIENT_SECRET",
    "GIT_PASSWORD",
    "GIT_PRIVATE_KEY",
    "AWS_WEB_IDENTITY_TOKEN",
    "FAILURE_URL",
    "REGISTRY_PASSWORD",
    "RELEASE_SIGNING_KEY",
)
SHORTEST = 4  # a shorter "secret" would hide half of every word
# A password in a URL may hold another @; over HTTP a name alone may be a token.
USERINFO = re.compile(
    r"(?<=://)[^/\s:@'\"]+:[^/\s'\"]+(?=@)|(?<=https://)[^/\s@]+(?=@)|(?<=http://)[^/\s@]+(?=@)"
)
TOKEN = re.compile(r"(?i:(?<=\bbearer ))[\w.~+/-]{16,}=*|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")

Advance = Callable[[int], None]


def mask(text: str) -> str:
    """Return the text without the values of known secrets, passwords in URLs, and tokens."""
    for name in (*SECRETS, *(name for name in os.environ if name.startswith("CF_PASSWORD_"))):
        for line in os.environ.get(name, "").splitlines():  # what is printed comes line by line
            for form in _forms(line) if len(line) >= SHORTEST else ():
                text = text.replace(form, f"(({name}))")
    return TOKEN.sub("((token))", USERINFO.sub("((credentials))", text))


def _forms(secret: str) -> list[str]:
    """Return the ways in which a secret may stand in a text: as it is, in a URL, in JSON, in repr."""
    quoted = {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return sorted({secret, *quoted, *escaped}, key=len, reverse=True)


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


@contextmanager
def aside(wanted: bool = True) -> Iterator[None]:
    """Print on standard error, where that is wanted: standard output is for the document alone then."""
    with redirect_stdout(sys.stderr) if wanted else nullcontext():
        yield


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


def _is_watched() -> bool:
    """Say whether somebody looks on; CI systems have a terminal too, but keep all that was ever shown."""
    return sys.stdout.isatty() and not os.environ.get("CI")


@contextmanager
def transfer(what: str, total: int) -> Iterator[Advance]:
    """Show how far a transfer of `total` bytes is: a bar on a terminal, nothing elsewhere.

    Yields a function that takes the number of bytes that have just gone.
    """
    if not _is_watched() or total < 4 << 20:
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
    if not _is_watched():
        fact(f"{what} …")
        yield
        return
    from rich.console import Console

    with Console().status(f"{what} …"):
        yield
