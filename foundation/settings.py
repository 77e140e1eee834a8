"""The addresses, names and limits that a foundation is started with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OFFLINE_ANNOTATION = "local-foundation/staging-network"


@dataclass(frozen=True, kw_only=True)
class StackSetting:
    """A stack to offer, and whether its root file system is the official one."""

    name: str
    kind: Literal["official", "stand-in"]
    description: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this foundation is reached and what it offers; the first stack is the default one."""

    state: Path
    api: str  # http://127.0.0.1:PORT
    router: str  # the same of what apps answer behind
    domain: str
    stacks: Sequence[StackSetting]
    user: str = "admin"
    organization: str = "local"
    space: str = "local"
    upload_limit: int = 2 << 30  # bytes
    staging_memory_mb: int = 1024
    staging_disk_mb: int = 4096
    staging_timeout_s: float = 900
    stagings_at_once: int = 2
