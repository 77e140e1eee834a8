"""What one staging is given and gives back, and what the API may ask of whoever stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from foundation.model.logs import LogSink


@dataclass(frozen=True, kw_only=True)
class BuildpackRef:
    """A buildpack as the builder knows it: by key; `archive` is None where the key is a URL to fetch."""

    key: str
    name: str
    archive: Path | None


@dataclass(frozen=True, kw_only=True)
class StagingRequest:
    """All that one staging needs; `cache` and `droplet` are files that a success writes."""

    build_guid: str
    app_guid: str
    stack: str
    package: Path
    buildpacks: Sequence[BuildpackRef]
    skip_detect: bool
    environment: Mapping[str, str]
    memory_mb: int
    disk_mb: int
    timeout_s: float
    offline: bool  # no network at all in the staging container
    cache: Path
    droplet: Path


@dataclass(frozen=True, kw_only=True)
class StagingResult:
    """The builder's exit code and result.json (None where it wrote none or the staging timed out)."""

    exit_code: int
    timed_out: bool
    result: Mapping[str, Any] | None
    droplet_sha256: str | None


class Stager(Protocol):
    """Stages one build; blocks until the container has ended, so callers bring their own bounded pool."""

    def stage(self, request: StagingRequest, log: LogSink) -> StagingResult:
        """Raise failures.StagingUnavailableError where no container could be made."""

    def cancel(self, build_guid: str) -> None:
        """End that staging, also where it has not begun yet."""

    def close(self) -> None:
        """Let go of what is still done in the background."""
