"""The local foundation as a daemon: its programs, root file system and server; nothing of it is imported."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded import network, ports
from embedded.daemons import Daemon, Keeper
from embedded.errors import EmbeddedError
from embedded.network import Network

ROOT = Path(__file__).resolve().parent.parent
READY_S = 120.0
PREFERRED = {"api": 8484, "router": 8485}
DOMAIN = "apps.localhost"
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Where the foundation's API is, who may use it, and for each stack `official` or `stand-in`."""

    api: str
    router: str
    domain: str
    user: str
    password: str = field(repr=False)
    organization: str
    space: str
    stacks: Mapping[str, str]


def programs(go: Path, folder: Path, cache: Path, say: Say) -> Path:
    """Build the Go programs where they are not there or old, and return their folder."""
    if not (folder / "digest").exists():
        say("Building the local foundation's programs (about a minute the first time)")
    _run(["programs", "--go", str(go), "--out", str(folder), "--cache", str(cache)], say)
    return folder


def prepare(stacks: Sequence[str], cache: Path, clone: str, say: Say) -> None:
    """Bring each stack's root file system into the engine, saying what is done for it."""
    for stack in stacks:
        image(stack, cache, clone, say)


def image(stack: str, cache: Path, clone: str, say: Say) -> str:
    """Return the name of a stack's image, which is in the engine then."""
    facts = json.loads(_run(["rootfs", "--stack", stack, "--cache", str(cache), *_labels(clone)], say))
    return str(facts["image"])


def start(
    keeper: Keeper,
    folder: Path,
    programs_folder: Path,
    cache: Path,
    net: Network,
    stacks: Sequence[str],
    hosts: Mapping[str, str],
    lifecycle: Path | None = None,
) -> Foundation:
    """Run the server, or adopt the one that runs, and return how it is reached."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    chosen = ports.choose(folder / "ports.json", PREFERRED, keep=keeper.running("foundation"))
    words: list[str | Path] = [
        *(sys.executable, "-m", "foundation", "serve", "--state", str(folder), "--cache", str(cache)),
        *("--listen", f"127.0.0.1:{chosen['api']}", "--router-listen", f"127.0.0.1:{chosen['router']}"),
        *(
            "--domain",
            DOMAIN,
            "--network",
            net.name,
            "--programs",
            str(programs_folder),
            *_labels(keeper.clone),
        ),
    ]
    words += [word for stack in stacks for word in ("--stack", stack)]
    words += [word for name, address in hosts.items() for word in ("--host", f"{name}={address}")]
    words += ["--lifecycle", lifecycle] if lifecycle else []
    daemon = Daemon(
        name="foundation",
        argv=words,
        environment={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        code=_code(programs_folder),
    )
    if not keeper.adopt(daemon):
        (folder / "ready.json").unlink(missing_ok=True)
        keeper.start(daemon, (folder / "ready.json").exists, READY_S)
    return read(folder)


def read(folder: Path) -> Foundation:
    """Return how the foundation is reached; raises EmbeddedError where it is not up."""
    try:
        facts: dict[str, Any] = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EmbeddedError(
            "the local foundation is not running", "Start it: ./inv foundation start"
        ) from error
    facts.pop("pid")
    return Foundation(**facts)


def _labels(clone: str) -> list[str]:
    return [word for name, value in network.labels(clone).items() for word in ("--label", f"{name}={value}")]


def _code(programs_folder: Path) -> str:
    digest = hashlib.sha256((programs_folder / "digest").read_bytes())
    for path in sorted((ROOT / "foundation").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(words: Sequence[str], say: Say) -> str:
    """Run a command of the foundation to its end and return its answer; what it says goes to `say`."""
    argv = [sys.executable, "-m", "foundation", *words]
    said: list[str] = []
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        for raw in process.stderr or ():
            said.append(raw.decode("utf-8", "replace").rstrip())
            say(said[-1])
        answer = process.stdout.read().decode() if process.stdout else ""  # one line: it fits into the pipe
    if process.returncode:
        raise EmbeddedError(
            "\n".join(said[-10:]) or f"`foundation {words[0]}` ended with {process.returncode}"
        )
    return answer
