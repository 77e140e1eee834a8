"""The tools that make a release, with their versions: what its bytes depend on beside its source."""

import importlib.metadata
import platform
import sys
from pathlib import Path

from releaser.model import Release, sha256
from releaser.tools import go

PACKAGES = ("isal", "git-cliff")  # the rest of the environment is named by the lock's digest
LOCK = "requirements.lock"


def versions(release: Release) -> dict[str, str | None]:
    """Return the versions that count here, now: `lock` is the digest of what the environment was made of."""
    lock = Path(sys.prefix) / LOCK
    return {
        "go": release.config.go.version,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "lock": sha256(lock) if lock.exists() else None,
        "architecture": go.host(),
    }
