"""Stages apps: one container for each build, in which the builder turns app and buildpacks into a droplet."""

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from foundation import archive
from foundation.containers import LIFECYCLE, MIB, TMP, Engine, Wanted
from foundation.failures import ArchiveError, EngineError, NotThereError, StagingUnavailableError
from foundation.model import LogSink, StagingRequest, StagingResult
from foundation.output import lines, tell
from foundation.shelf import Shelf

ROLE = "train.role"
BUILD = "train.build"
STAGING = "staging"
FAILED = 1  # the builder's code for whatever is not a buildpack's failure
INSTANCE = "0"

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


class ContainerStager:
    """A model.Stager on the Docker engine.

    `images` maps stacks to images, `programs` holds builder and launcher, `cache` keeps unzipped buildpacks.
    Making one removes what a killed server left, and raises EngineError where no engine answers.
    """

    def __init__(self, *, engine: Engine, images: Mapping[str, str], programs: Path, cache: Path) -> None:
        self._engine = engine
        self._images = images
        self._programs = programs.resolve()
        self._shelf = Shelf(cache.resolve() / "buildpacks")
        self._lock = threading.Lock()
        self._under_way: dict[str, threading.Event] = {}  # set: to be cancelled
        for leftover in engine.find({ROLE: STAGING}):
            engine.remove(leftover.id)

    def stage(self, request: StagingRequest, log: LogSink) -> StagingResult:
        """Return the builder's result; a package or buildpack that cannot be unzipped counts as its failure.

        Raises StagingUnavailableError where no container could be made or it was lost.
        """
        say = partial(tell, log, "STG", INSTANCE)
        try:
            with self._shelf.lent(request.buildpacks) as shelf:
                return self._stage(request, shelf, log)
        except ArchiveError as error:
            say(f"Failed to stage: {error.message}", "ERR")
            return StagingResult(exit_code=FAILED, timed_out=False, result=None, droplet_sha256=None)
        except EngineError as error:
            say(f"Failed to stage: {error.message}", "ERR")
            raise StagingUnavailableError(error.message, error.remedy) from error

    def cancel(self, build_guid: str) -> None:
        """End that staging's container, if there is one."""
        with self._lock:
            cancelled = self._under_way.get(build_guid)
        if cancelled:
            cancelled.set()  # one that has not been started yet ends at its start
            for container in self._engine.find({ROLE: STAGING, BUILD: build_guid}):
                self._engine.kill(container.id)

    @contextmanager
    def _cancellable(self, build_guid: str) -> Iterator[threading.Event]:
        cancelled = threading.Event()
        with self._lock:
            self._under_way[build_guid] = cancelled
        try:
            yield cancelled
        finally:
            with self._lock:
                del self._under_way[build_guid]

    def _stage(self, request: StagingRequest, shelf: Mapping[str, Path], log: LogSink) -> StagingResult:
        say = partial(tell, log, "STG", INSTANCE)
        say(f"Cell local creating container for instance {request.build_guid}")
        with self._cancellable(request.build_guid) as cancelled:
            container = self._engine.create(self._wanted(request, shelf))
            try:
                say(f"Cell local successfully created container for instance {request.build_guid}")
                self._bring(container, request, say)
                exit_code, timed_out = self._build(container, request.timeout_s, cancelled, log)
                say(f"Exit status {exit_code}")
                collected = self._collect(container, request, exit_code)
                return replace(collected, timed_out=timed_out)
            finally:
                say(f"Cell local stopping instance {request.build_guid}")
                with suppress(EngineError):  # the next start removes it
                    self._engine.remove(container)

    def _wanted(self, request: StagingRequest, shelf: Mapping[str, Path]) -> Wanted:
        if request.stack not in self._images:
            there = ", ".join(self._images)
            raise StagingUnavailableError(
                f"the foundation has no image for stack '{request.stack}', only for {there}"
            )
        mounts = {self._programs: LIFECYCLE}
        return Wanted(
            name=f"staging-{request.build_guid}",
            image=self._images[request.stack],
            argv=builder_command(request),
            user="vcap",
            environment=environment(request),
            labels={ROLE: STAGING, BUILD: request.build_guid, "train.app": request.app_guid},
            mounts=mounts | {path: f"{INPUTS['buildpacksDir']}/{name}" for name, path in shelf.items()},
            memory_mb=request.memory_mb,
            offline=request.offline,
        )

    def _bring(self, container: str, request: StagingRequest, say: Callable[[str], None]) -> None:
        """Put app and cache into the container; there is no cache the first time."""
        say("Downloading app package...")
        app = archive.tar_of(request.package, under="app", limit=request.disk_mb * MIB)
        self._engine.put(container, TMP, app)
        say(f"Downloaded app package ({_size(request.package)})")
        self._engine.put(container, TMP, archive.folders("cache"))
        if request.cache.is_file():
            with request.cache.open("rb") as file:
                self._engine.put(container, INPUTS["buildArtifactsCacheDir"], file)
            say(f"Downloaded build artifacts cache ({_size(request.cache)})")

    def _build(
        self, container: str, timeout_s: float, cancelled: threading.Event, log: LogSink
    ) -> tuple[int, bool]:
        """Run the builder and hand on what it prints; return its exit code and whether it took too long."""
        timed_out = threading.Event()

        def kill() -> None:
            timed_out.set()
            with suppress(EngineError):
                self._engine.kill(container)

        frames = self._engine.attach(container)
        self._engine.start(container)
        if cancelled.is_set():
            self._engine.kill(container)
        timer = threading.Timer(timeout_s, kill)
        timer.start()
        try:
            for stream, text in lines(frames):
                tell(log, "STG", INSTANCE, text, stream)
            return self._engine.wait(container), timed_out.is_set()
        finally:
            timer.cancel()

    def _collect(self, container: str, request: StagingRequest, exit_code: int) -> StagingResult:
        """Copy out what the builder made: after a failure the result only."""
        result: Mapping[str, Any] | None = None
        digest = None
        if exit_code == 0:
            digest = self._copy_out(container, OUTPUTS["outputDroplet"], request.droplet)
            self._copy_out(container, OUTPUTS["outputBuildArtifactsCache"], request.cache)
        with tempfile.TemporaryFile() as file, suppress(NotThereError, ArchiveError, ValueError):
            archive.only_file(self._engine.get(container, OUTPUTS["outputMetadata"]), file)
            file.seek(0)
            result = json.load(file)  # the builder may have been killed amid writing it
        return StagingResult(exit_code=exit_code, timed_out=False, result=result, droplet_sha256=digest)

    def _copy_out(self, container: str, path: str, into: Path) -> str:
        scratch = into.with_name(f"{into.name}.new-{container[:12]}")
        into.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as file:
                digest = archive.only_file(self._engine.get(container, path), file)
            scratch.replace(into)
        finally:
            scratch.unlink(missing_ok=True)
        return digest


def builder_command(request: StagingRequest) -> list[str]:
    """Return the builder's command line, with the flags that Cloud Foundry passes."""
    paths = [f"-{name}={path}" for name, path in {**INPUTS, **OUTPUTS}.items()]
    return [
        f"{LIFECYCLE}/builder",
        f"-buildpackOrder={','.join(each.key for each in request.buildpacks)}",
        f"-skipDetect={str(request.skip_detect).lower()}",
        "-skipCertVerify=false",
        *paths,
    ]


def environment(request: StagingRequest) -> dict[str, str]:
    """Return the environment of all staging scripts: the app's own, and what the platform sets around it."""
    return {
        "HOME": "/home/vcap",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "vcap",
        "VCAP_SERVICES": "{}",
        **request.environment,
        "CF_STACK": request.stack,
        "MEMORY_LIMIT": f"{request.memory_mb}m",
    }


def _size(path: Path) -> str:
    """Return a file's size as Cloud Foundry's logs show it."""
    size = path.stat().st_size
    return f"{size / MIB:.1f}M" if size >= MIB else f"{size / 1024:.1f}K"
