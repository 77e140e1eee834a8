"""The facts about this machine that decide what can be done on it."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Where servers lie; the PATH of an ordinary user of Debian lacks these.
SERVERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine as its environment, its system and we, the user, are."""

    environment: Mapping[str, str]
    system: str  # as uname says: Linux, Darwin
    title: str  # as its users call it
    families: frozenset[str] = field(default=frozenset())  # ID and ID_LIKE of os-release
    systemd: bool  # whether it runs here, not just whether it is installed
    uid: int
    gid: int
    socket: Path = Path("/var/run/docker.sock")  # where an engine listens unless DOCKER_HOST says otherwise

    @property
    def debian(self) -> bool:
        """Say whether Debian's packages can be installed."""
        return not self.families.isdisjoint({"debian", "ubuntu"})

    @property
    def engine_is_chosen(self) -> bool:
        """Say whether the user named an engine, which is then not ours to start."""
        return bool(self.environment.get("DOCKER_HOST"))

    @property
    def engine_address(self) -> str:
        """Return where the engine listens."""
        return self.environment.get("DOCKER_HOST") or f"unix://{self.socket}"

    def find(self, program: str) -> Path | None:
        """Return a program on the PATH, or None."""
        found = shutil.which(program, path=self.environment.get("PATH", ""))
        return Path(found) if found else None


def here() -> Machine:
    """Return the machine that this runs on."""
    release = _release()
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SERVERS))
    return Machine(
        environment={**os.environ, "PATH": path},
        system=platform.system(),
        title=release.get("PRETTY_NAME") or platform.system(),
        families=frozenset((release.get("ID", ""), *release.get("ID_LIKE", "").split())),
        systemd=Path("/run/systemd/system").is_dir(),
        uid=os.geteuid(),
        gid=os.getegid(),
    )


def _release() -> Mapping[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
