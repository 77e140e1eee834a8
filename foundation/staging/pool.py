"""The pool of stagings under way: each build is staged, and its end written down after its last log line."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from foundation import environment
from foundation.blobs import Blobs, remove
from foundation.failures import EngineError, StagingUnavailableError
from foundation.logs import Logs
from foundation.model.staging import BuildpackRef, Stager, StagingRequest
from foundation.output import tell
from foundation.rows.apps import App
from foundation.rows.base import new_guid
from foundation.rows.work import Build, Buildpack
from foundation.rules import buildpacks, builds, retention
from foundation.settings import OFFLINE_ANNOTATION, Settings
from foundation.staging.holding import Tail, hold
from foundation.store import Db, Store

log = logging.getLogger(__name__)

End = Callable[[Db], bool]  # writes down how a build ended and says whether it has a droplet


class Staging:
    """Stages builds in a bounded pool of its own."""

    def __init__(self, settings: Settings, store: Store, blobs: Blobs, logs: Logs, stager: Stager) -> None:
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._logs = logs
        self._stager = stager
        self._closing = threading.Event()
        self._under_way: set[str] = set()
        self._pool = ThreadPoolExecutor(settings.stagings_at_once, thread_name_prefix="staging")

    def submit(self, build: Build) -> None:
        """Stage a build as soon as there is room."""
        self._pool.submit(self._stage, build)

    def cancel(self, build_guid: str) -> None:
        """End a staging whose build is gone."""
        self._stager.cancel(build_guid)

    def close(self) -> None:
        """Drop what waits, which fails at the next start, and end what is under way."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for build_guid in set(self._under_way):
            with suppress(EngineError):  # what it does not end now, the next start removes
                self.cancel(build_guid)
        self._pool.shutdown()
        self._stager.close()

    def _stage(self, build: Build) -> None:
        self._under_way.add(build.guid)
        droplet_guid = new_guid()
        tail = Tail(self._logs.sink(build.app_guid))
        end = self._outcome(build, droplet_guid, tail)
        self._under_way.discard(build.guid)
        hold(build.app_guid, tail.last, self._logs.followers, self._closing.wait)
        try:
            kept = self._persist(build.app_guid, end)
        except Exception:  # a builder's result can be anything
            log.exception("The end of build %s broke", build.guid)
            kept = self._persist(
                build.app_guid, lambda db: builds.fail(db, build.guid, builds.STAGING_FAILED)
            )
        if not kept:
            remove([self._blobs.droplet(droplet_guid)])

    def _persist(self, app_guid: str, end: End) -> bool | None:
        def write(db: Db) -> bool:
            self._logs.write(db)  # no build ends before its last line
            kept = end(db)
            retention.expire(db, self._blobs, app_guid)
            return kept

        return self._store.persist(write)

    def _outcome(self, build: Build, droplet_guid: str, tail: Tail) -> End:
        try:
            request = self._store.call(lambda db: self._request(db, build.guid, droplet_guid))
            if request is None:
                return lambda _: False
            result = self._stager.stage(request, tail)
        except StagingUnavailableError as error:
            text = f"StagingError - Staging error: {error.message}"
            return lambda db: builds.fail(db, build.guid, text)
        except Exception as error:
            # Whatever it was, a build must not stay in STAGING, and its user reads why in the app's logs.
            log.exception("Build %s broke", build.guid)
            tell(tail, "STG", "0", f"Failed to stage: {error}", "ERR")
            return lambda db: builds.fail(db, build.guid, builds.STAGING_FAILED)
        names = {reference.key: reference.name for reference in request.buildpacks}
        return lambda db: builds.finish(db, build.guid, droplet_guid, result, names)

    def _request(self, db: Db, build_guid: str, droplet_guid: str) -> StagingRequest | None:
        build = db.get(Build, build_guid)
        if build is None:  # its app was deleted while it waited
            return None
        app = db.need(App, build.app_guid)
        return StagingRequest(
            build_guid=build.guid,
            app_guid=app.guid,
            stack=build.stack,
            package=self._blobs.package(build.package_guid),
            buildpacks=[
                self._reference(found) for found in buildpacks.for_staging(db, build.buildpacks, build.stack)
            ],
            skip_detect=bool(build.buildpacks),
            environment=environment.of_staging(db, self._settings, app, build.stack),
            memory_mb=self._settings.staging_memory_mb,
            disk_mb=self._settings.staging_disk_mb,
            timeout_s=self._settings.staging_timeout_s,
            offline=app.metadata["annotations"].get(OFFLINE_ANNOTATION) == "none",
            cache=self._blobs.cache(app.guid, build.stack),
            droplet=self._blobs.droplet(droplet_guid),
        )

    def _reference(self, found: Buildpack | str) -> BuildpackRef:
        if isinstance(found, str):
            return BuildpackRef(key=found, name=found, archive=None)
        key = str(found.key)
        return BuildpackRef(key=key, name=found.name, archive=self._blobs.buildpack(key))
