"""Reads which Debian mirrors this host uses, so that a root file system comes from the same ones."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from foundation import programs
from foundation.failures import ProgramError

APT = Path("/etc/apt")
COMPONENT = "main"
KEPT = ("signed-by", "trusted")  # of a source's options


def lines(suite: str, *, apt: Path = APT) -> list[str]:
    """Return the host's sources of a Debian suite, its updates and security, one line each, main only."""
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    paths = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    found: list[str] = []
    for path in paths:
        if path.suffix == ".sources":
            found += _stanzas(path.read_text(), suites)
        elif path.suffix == ".list" and path.is_file():
            found += _one_liners(path.read_text(), suites)
    return found if any(f" {suite} {COMPONENT}" in line for line in found) else []


def proxies() -> dict[str, str]:
    """Return apt's own proxy settings as environment variables."""
    if shutil.which("apt-config") is None:
        return {}
    asked = ["http_proxy", "Acquire::http::Proxy", "https_proxy", "Acquire::https::Proxy"]
    try:
        said = programs.output(["apt-config", "shell", *asked])
    except ProgramError:
        return {}
    pairs = (word.partition("=") for word in shlex.split(said))
    return {name: value for name, _, value in pairs if value and value != "DIRECT"}


def _stanzas(text: str, suites: set[str]) -> Iterator[str]:
    """Return deb822 stanzas as lines."""
    for stanza in text.split("\n\n"):
        fields = _fields(stanza)
        enabled = fields.get("enabled", "yes").lower() not in {"no", "false"}
        if not enabled or "deb" not in fields.get("types", "").split():
            continue
        if COMPONENT not in fields.get("components", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                if suite in suites:
                    yield _line(fields, uri, suite)


def _fields(stanza: str) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith((" ", "\t")) and name:
            fields[name] += line
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _one_liners(text: str, suites: set[str]) -> Iterator[str]:
    for line in text.splitlines():
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        options: dict[str, str] = {}
        rest = rest.strip()
        if rest.startswith("["):
            inside, _, rest = rest[1:].partition("]")
            options = dict(word.partition("=")[::2] for word in inside.split() if "=" in word)
        words = rest.split()
        if kind == "deb" and len(words) > 2 and words[1] in suites and COMPONENT in words[2:]:
            yield _line(options, words[0], words[1])


def _line(options: Mapping[str, str], uri: str, suite: str) -> str:
    kept = [f"{name}={options[name]}" for name in KEPT if options.get(name, "").strip()]
    # A key that stands in the file itself, and not in one of its own, has no place in a line.
    kept = [option for option in kept if "BEGIN" not in option]
    return " ".join(["deb", *([f"[{' '.join(kept)}]"] if kept else []), uri, suite, COMPONENT])
