"""The manifests of the apps in fixtures/, with the sidecar as sidecar.yml calls it.

The project's own apps name the story's sidecar; a fork renames it in sidecar.yml alone, and has to change no
manifest. What else a manifest says, and another sidecar in it, stays as it is.
"""

from collections.abc import Mapping
from typing import Any

from releaser.tools import cf
from tests.acceptance.candidate import ROOT, Sidecar

NAME, PORT = "config-server", "CONFIG_SERVER_PORT"  # as the manifests in fixtures/ have them


def read(app: str, sidecar: Sidecar) -> dict[str, Any]:
    """Return the application of a fixture's manifest."""
    return fitted(cf.read_manifest(ROOT / "fixtures" / app / "manifest.yml"), sidecar)


def fitted(application: Mapping[str, Any], sidecar: Sidecar) -> dict[str, Any]:
    """Return the application with this sidecar in place of the story's; its port is in both variables."""
    found = dict(application)
    if "sidecars" in found:
        found["sidecars"] = [_entry(sidecar) if one["name"] == NAME else one for one in found["sidecars"]]
    if PORT in found.get("env", {}):
        found["env"] = {sidecar.port_variable: found["env"][PORT], **found["env"]}
    return found


def _entry(sidecar: Sidecar) -> dict[str, Any]:
    memory = {"memory": sidecar.memory} if sidecar.memory else {}
    own = {"name": sidecar.name, "process_types": list(sidecar.process_types), "command": sidecar.command}
    return own | memory
