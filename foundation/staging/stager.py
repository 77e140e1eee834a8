"""Stages apps: one container for each build, in which the builder turns app and buildpacks into a droplet."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from foundation import environment
from foundation.engine.engine import Engine
from foundation.engine.wanted import LIFECYCLE, Wanted
from foundation.failures import ArchiveError, EngineError, StagingUnavailableError
from foundation.model.logs import LogSink
from foundation.model.staging import StagingRequest, StagingResult
from foundation.output import lines, tell
from foundation.staging import files
from foundation.staging.removal import Removal
from foundation.staging.shelf import Shelf

ROLE = "train.role"
BUILD = "train.build"
STAGING = "staging"
FAILED = 1  # the builder's code for whatever is not a buildpack's failure
KILLED = 137
INSTANCE = "0"


class ContainerStager:
    """A model.staging.Stager on the Docker engine.

    `images` maps stacks to images, `programs` holds builder and launcher, `cache` keeps unzipped buildpacks.
    Making one removes what a killed server left, and raises EngineError where no engine answers.
    """

    def __init__(self, *, engine: Engine, images: Mapping[str, str], programs: Path, cache: Path) -> None:
        self._engine = engine
        self._images = images
        self._programs = programs.resolve()
        self._shelf = Shelf(cache.resolve() / "buildpacks")
        self._lock = threading.Lock()
        self._cancelled: dict[str, threading.Event] = {}  # by build; one that is set ends the staging
        self._removal = Removal(engine.remove)
        for leftover in engine.find({ROLE: STAGING}):
            engine.remove(leftover.id)

    def stage(self, request: StagingRequest, log: LogSink) -> StagingResult:
        """Return the builder's result; a package or buildpack that cannot be unzipped counts as its failure.

        Raises StagingUnavailableError where no container could be made or it was lost.
        """
        say, packs = partial(tell, log, "STG", INSTANCE), request.buildpacks
        try:
            with self._cancellable(request.build_guid) as cancelled, self._shelf.lent(packs) as shelf:
                if cancelled.is_set():
                    return _failed(KILLED)
                return self._stage(request, shelf, cancelled, log)
        except ArchiveError as error:
            say(f"Failed to stage: {error.message}", "ERR")
            return _failed(FAILED)
        except EngineError as error:
            say(f"Failed to stage: {error.message}", "ERR")
            raise StagingUnavailableError(error.message, error.remedy) from error

    def cancel(self, build_guid: str) -> None:
        """End that staging: one that has not begun or not yet been started ends there."""
        self._event(build_guid).set()
        for container in self._engine.find({ROLE: STAGING, BUILD: build_guid}):
            self._engine.kill(container.id)

    def close(self) -> None:
        """Remove what is still to be removed, or leave it to the next start."""
        self._removal.close()

    @contextmanager
    def _cancellable(self, build_guid: str) -> Iterator[threading.Event]:
        try:
            yield self._event(build_guid)
        finally:
            with self._lock:
                del self._cancelled[build_guid]

    def _event(self, build_guid: str) -> threading.Event:
        with self._lock:
            return self._cancelled.setdefault(build_guid, threading.Event())

    def _stage(
        self, request: StagingRequest, shelf: Mapping[str, Path], cancelled: threading.Event, log: LogSink
    ) -> StagingResult:
        say = partial(tell, log, "STG", INSTANCE)
        say(f"Cell local creating container for instance {request.build_guid}")
        container = self._engine.create(self._wanted(request, shelf))
        try:
            say(f"Cell local successfully created container for instance {request.build_guid}")
            files.bring(self._engine, container, request, say)
            exit_code, timed_out = self._build(container, request.timeout_s, cancelled, log)
            say(f"Exit status {exit_code}{self._memory_note(container, exit_code)}")
            collected = files.collect(self._engine, container, request, exit_code)
            return replace(collected, timed_out=timed_out)
        finally:
            say(f"Cell local stopping instance {request.build_guid}")
            self._removal.take(container)

    def _memory_note(self, container: str, exit_code: int) -> str:
        found = self._engine.condition(container) if exit_code else None
        return " (out of memory)" if found and found.out_of_memory else ""

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
            environment=environment.of_builder(request),
            labels={ROLE: STAGING, BUILD: request.build_guid, "train.app": request.app_guid},
            mounts=mounts | {path: f"{files.INPUTS['buildpacksDir']}/{name}" for name, path in shelf.items()},
            memory_mb=request.memory_mb,
            offline=request.offline,
        )

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


def _failed(exit_code: int) -> StagingResult:
    return StagingResult(exit_code=exit_code, timed_out=False, result=None, droplet_sha256=None)


def builder_command(request: StagingRequest) -> list[str]:
    """Return the builder's command line, with the flags that Cloud Foundry passes."""
    paths = [f"-{name}={path}" for name, path in {**files.INPUTS, **files.OUTPUTS}.items()]
    return [
        f"{LIFECYCLE}/builder",
        f"-buildpackOrder={','.join(each.key for each in request.buildpacks)}",
        f"-skipDetect={str(request.skip_detect).lower()}",
        "-skipCertVerify=false",
        *paths,
    ]
