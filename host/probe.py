"""Asks whether the Docker engine, not just its client, answers: the host side's one place for docker."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from host.machine import Machine

if TYPE_CHECKING:
    from docker import APIClient

PROBE_S = 5  # an engine that a socket starts needs a moment
WORK_S = 120  # for one answer amid real work


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was found at the engine's address; `said` is its version, or why there is none."""

    state: Literal["answers", "denied", "silent"]
    said: str
    root: Path | None = None  # where it keeps its data, as the engine names it


def client(machine: Machine, timeout_s: int = WORK_S) -> "APIClient":
    """Return a connection to the engine; raises what the SDK raises where it does not answer."""
    from docker import APIClient
    from docker.utils import kwargs_from_env

    given: dict[str, Any] = {"base_url": machine.engine_address}
    given.update(kwargs_from_env(environment=machine.environment))
    return APIClient(**given, version="auto", timeout=timeout_s)


def probe(machine: Machine) -> Probe:
    """Return whether an engine answers at the machine's address, within seconds."""
    import requests
    from docker.errors import APIError, DockerException

    if machine.engine_address.startswith("ssh://"):
        return Probe(
            state="silent", said="an engine behind ssh:// cannot be used: it must be on this machine"
        )
    try:
        with client(machine, PROBE_S) as engine:
            facts = engine.info()
    except (DockerException, APIError, requests.RequestException, OSError, ValueError) as error:
        cause = next(_causes(error), error)
        state: Literal["denied", "silent"] = "denied" if isinstance(cause, PermissionError) else "silent"
        return Probe(state=state, said=_words(cause))
    root = facts.get("DockerRootDir")
    return Probe(state="answers", said=str(facts.get("ServerVersion", "")), root=Path(root) if root else None)


def _causes(error: BaseException | None) -> Iterator[OSError]:
    """Walk to the system's own errors; the SDK and requests wrap them several times over."""
    while error is not None:
        if isinstance(error, OSError) and type(error).__module__ == "builtins":
            yield error
        error = error.__cause__ or error.__context__


def _words(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
