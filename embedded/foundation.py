"""The local foundation as a daemon: its programs, root file system and server; nothing of it is imported."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded import network, ports
from embedded.daemons import KEPT, PROXIES, Daemon, Keeper
from embedded.errors import EmbeddedError
from embedded.network import Network

ROOT = Path(__file__).resolve().parent.parent
READY_S = 120.0
ATTEMPTS = 3
PREFERRED = {"api": 8484, "router": 8485}
DOMAIN = "apps.localhost"
ERROR = "Error: "  # begins what the foundation's command line says at last
GO = ("GOPROXY", "GONOSUMDB", "GOSUMDB")  # what fetching Go modules needs, beside what a daemon gets
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


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the server is started with; `hosts` are further names in containers.

    `certificates` is a file with the authorities that containers trust, where not those of the stack.
    """

    folder: Path
    programs: Path
    cache: Path
    network: Network
    stacks: Sequence[str]
    hosts: Mapping[str, str]
    lifecycle: Path | None = None
    certificates: Path | None = None


def start(keeper: Keeper, plan: Plan) -> Foundation:
    """Run the server, or adopt the one that runs, and return how it is reached."""
    plan.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for _ in range(ATTEMPTS - 1):
        chosen = _ports(keeper, plan)
        try:
            return _start(keeper, plan, chosen)
        except EmbeddedError:
            if all(ports.is_free(port) for port in chosen.values()):
                raise  # it was not that another clone, starting at the same time, took a port first
    return _start(keeper, plan, _ports(keeper, plan))


def _ports(keeper: Keeper, plan: Plan) -> Mapping[str, int]:
    return ports.choose(plan.folder / "ports.json", PREFERRED, keep=keeper.running("foundation"))


def _start(keeper: Keeper, plan: Plan, chosen: Mapping[str, int]) -> Foundation:
    daemon = Daemon(
        name="foundation",
        argv=_argv(plan, chosen, _labels(keeper.clone)),
        environment={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        code=_code(plan.programs),
    )
    ready = plan.folder / "ready.json"
    if not keeper.adopt(daemon):
        ready.unlink(missing_ok=True)
        keeper.start(daemon, ready.exists, READY_S)
    return read(plan.folder)


def _argv(plan: Plan, chosen: Mapping[str, int], labels: Sequence[str]) -> list[str]:
    words = [
        *(
            sys.executable,
            "-m",
            "foundation",
            "serve",
            "--state",
            str(plan.folder),
            "--cache",
            str(plan.cache),
        ),
        *("--listen", f"127.0.0.1:{chosen['api']}", "--router-listen", f"127.0.0.1:{chosen['router']}"),
        *("--domain", DOMAIN, "--network", plan.network.name, "--programs", str(plan.programs), *labels),
    ]
    words += [word for stack in plan.stacks for word in ("--stack", stack)]
    words += [word for name, address in plan.hosts.items() for word in ("--host", f"{name}={address}")]
    words += ["--certificates", str(plan.certificates)] if plan.certificates else []
    return [*words, "--lifecycle", str(plan.lifecycle)] if plan.lifecycle else words


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
    kept = (*KEPT, *GO)
    env = {name: value for name, value in os.environ.items() if name in kept or name.lower() in PROXIES}
    said: list[str] = []
    with subprocess.Popen(
        argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        for raw in process.stderr or ():
            said.append(raw.decode("utf-8", "replace").rstrip())
            say(said[-1])
        answer = process.stdout.read().decode() if process.stdout else ""  # one line: it fits into the pipe
    if process.returncode:
        raise EmbeddedError(_explained(said) or f"`foundation {words[0]}` ended with {process.returncode}")
    return answer


def _explained(said: Sequence[str]) -> str:
    """Return what the foundation's command line gives as its error, else its last words."""
    begins = [number for number, line in enumerate(said) if line.startswith(ERROR)]
    told = said[begins[-1] :] if begins else said[-10:]
    return "\n".join(told).removeprefix(ERROR)
