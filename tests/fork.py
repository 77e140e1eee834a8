"""A fork of the project: it calls things otherwise, in sidecar.yml alone."""

from collections.abc import Mapping
from typing import Any

import yaml

from tests import project

NAME, PREFIX, FOUNDATION = "metrics-agent", "packs", "shared"
RENAMED: Mapping[str, Any] = {
    "name": NAME,
    "sidecar": {
        "command": f"./{NAME}",
        "process_types": ["web", "worker"],
        "memory": "64M",
        "port_variable": "METRICS_AGENT_PORT",
    },
    "s3": {"prefix": PREFIX},
    "foundation": {"name": FOUNDATION},
}


def text(layer: Mapping[str, Any]) -> str:
    """Return the fork's sidecar.yml, in which more is filled in."""
    settings = project.merged(project.merged(project.settings(), RENAMED), layer)
    return str(yaml.safe_dump(settings, sort_keys=False))
