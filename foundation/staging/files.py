"""The files of a staging: where the builder has them, and how they get into its container and out of it."""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from foundation.archives import tars, zips
from foundation.engine.engine import Engine
from foundation.engine.wanted import MIB, TMP
from foundation.failures import ArchiveError, NotThereError
from foundation.model.staging import StagingRequest, StagingResult

OUTPUTS = {
    "outputDroplet": f"{TMP}/droplet",
    "outputMetadata": f"{TMP}/result.json",
    "outputBuildArtifactsCache": f"{TMP}/output-cache",
}
INPUTS = {
    "buildDir": f"{TMP}/app",
    "buildpacksDir": f"{TMP}/buildpacks",
    "buildArtifactsCacheDir": f"{TMP}/cache",
}


def bring(engine: Engine, container: str, request: StagingRequest, say: Callable[[str], None]) -> None:
    """Put app and cache into the container; there is no cache the first time."""
    say("Downloading app package...")
    app = zips.tar_of(request.package, under="app", limit=request.disk_mb * MIB)
    engine.put(container, TMP, app)
    say(f"Downloaded app package ({_size(request.package)})")
    engine.put(container, TMP, tars.folders("cache"))
    if request.cache.is_file():
        with request.cache.open("rb") as file:
            engine.put(container, INPUTS["buildArtifactsCacheDir"], file)
        say(f"Downloaded build artifacts cache ({_size(request.cache)})")


def collect(engine: Engine, container: str, request: StagingRequest, exit_code: int) -> StagingResult:
    """Copy out what the builder made: after a failure the result only."""
    result: Mapping[str, Any] | None = None
    digest = None
    if exit_code == 0:
        digest = _copy_out(engine, container, OUTPUTS["outputDroplet"], request.droplet)
        _copy_out(engine, container, OUTPUTS["outputBuildArtifactsCache"], request.cache)
    with tempfile.TemporaryFile() as file, suppress(NotThereError, ArchiveError, ValueError):
        tars.only_file(engine.get(container, OUTPUTS["outputMetadata"]), file)
        file.seek(0)
        result = json.load(file)  # the builder may have been killed amid writing it
    return StagingResult(exit_code=exit_code, timed_out=False, result=result, droplet_sha256=digest)


def _copy_out(engine: Engine, container: str, path: str, into: Path) -> str:
    scratch = into.with_name(f"{into.name}.new-{container[:12]}")
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch.open("wb") as file:
            digest = tars.only_file(engine.get(container, path), file)
        scratch.replace(into)
    finally:
        scratch.unlink(missing_ok=True)
    return digest


def _size(path: Path) -> str:
    """Return a file's size as Cloud Foundry's logs show it."""
    size = path.stat().st_size
    return f"{size / MIB:.1f}M" if size >= MIB else f"{size / 1024:.1f}K"
