"""Describes an instance to its supervisor: the processes in the container, each with its environment."""

import json
from collections.abc import Mapping
from typing import Any

from foundation.engine.wanted import LIFECYCLE
from foundation.environment import of_instance
from foundation.model.running import ProcessSpec

GRACE_S = 10  # between SIGTERM and SIGKILL: Diego's graceful_shutdown_interval
VCAP = 2000


def describe(spec: ProcessSpec, index: int, guid: str) -> bytes:
    """Return the supervisor's file: the app's process and its sidecars, which all start at once."""
    whole = spec.memory_mb
    main = whole - sum(sidecar.memory_mb or 0 for sidecar in spec.sidecars)
    source = f"APP/PROC/{spec.type.upper()}"
    processes = [_process(source, spec.command, of_instance(spec, index, guid, main))]
    for sidecar in spec.sidecars:
        variables = of_instance(spec, index, guid, sidecar.memory_mb or whole)
        processes.append(_process(f"{source}/SIDECAR/{sidecar.name.upper()}", sidecar.command, variables))
    described = {
        "grace_seconds": GRACE_S,
        "uid": VCAP,
        "gid": VCAP,
        "dir": "/home/vcap",
        "ports": list(spec.ports),
        "processes": processes,
    }
    return json.dumps(described).encode()


def _process(source: str, command: str, variables: Mapping[str, str]) -> dict[str, Any]:
    return {"source": source, "argv": [f"{LIFECYCLE}/launcher", "app", command, ""], "env": variables}
