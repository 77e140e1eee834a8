"""Describes an instance to its supervisor: the processes in the container, each with its environment.

The variables are those of Cloud Foundry's cloud controller (environment.rb) and Diego; the supervisor
adds the ones that hold the container's address.
"""

import json
from collections.abc import Mapping
from typing import Any

from foundation.containers import LIFECYCLE
from foundation.model import ProcessSpec

GRACE_S = 10  # between SIGTERM and SIGKILL: Diego's graceful_shutdown_interval
PORT = 8080
VCAP = 2000


def describe(spec: ProcessSpec, index: int, guid: str) -> bytes:
    """Return the supervisor's file: the app's process and its sidecars, which all start at once."""
    whole = spec.memory_mb
    main = whole - sum(sidecar.memory_mb or 0 for sidecar in spec.sidecars)
    source = f"APP/PROC/{spec.type.upper()}"
    processes = [_process(source, spec.command, environment(spec, index, guid, main))]
    for sidecar in spec.sidecars:
        variables = environment(spec, index, guid, sidecar.memory_mb or whole)
        processes.append(_process(f"{source}/SIDECAR/{sidecar.name.upper()}", sidecar.command, variables))
    described = {
        "grace_seconds": GRACE_S,
        "uid": VCAP,
        "gid": VCAP,
        "dir": "/home/vcap",
        "processes": processes,
    }
    return json.dumps(described).encode()


def _process(source: str, command: str, variables: Mapping[str, str]) -> dict[str, Any]:
    return {"source": source, "argv": [f"{LIFECYCLE}/launcher", "app", command, ""], "env": variables}


def environment(spec: ProcessSpec, index: int, guid: str, memory_mb: int) -> dict[str, str]:
    """Return one process's environment; the app cannot override what the platform sets."""
    limits = {**spec.vcap_application.get("limits", {}), "mem": memory_mb}
    return {
        "LANG": "en_US.UTF-8",
        "VCAP_SERVICES": "{}",
        **spec.environment,
        "PORT": str(PORT),
        "VCAP_APP_HOST": "0.0.0.0",  # noqa: S104 - the value that Cloud Foundry gives, nothing is bound here
        "VCAP_APP_PORT": str(PORT),
        "VCAP_APPLICATION": json.dumps({**spec.vcap_application, "limits": limits}),
        "MEMORY_LIMIT": f"{memory_mb}m",
        "INSTANCE_GUID": guid,
        "INSTANCE_INDEX": str(index),
        "CF_INSTANCE_GUID": guid,
        "CF_INSTANCE_INDEX": str(index),
    }
