"""The pool of stagings under way: each build is staged, and its end written down after its last log line."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

from foundation import environment
from foundation.blobs import Blobs, remove
from foundation.failures import StagingUnavailableError
from foundation.logs import Logs
from foundation.model.logs import LogLine
from foundation.model.staging import BuildpackRef, Stager, StagingRequest
from foundation.rows.apps import App
from foundation.rows.base import new_guid
from foundation.rows.work import Build, Buildpack, Droplet
from foundation.rules import buildpacks, builds
from foundation.settings import OFFLINE_ANNOTATION, Settings
from foundation.store import Db, Store

log = logging.getLogger(__name__)


class Staging:
    """Stages builds in a bounded pool of its own."""

    def __init__(self, settings: Settings, store: Store, blobs: Blobs, logs: Logs, stager: Stager) -> None:
        self._settings = settings
        self._store = store
        self._blobs = blobs
        self._logs = logs
        self._stager = stager
        self._pool = ThreadPoolExecutor(settings.stagings_at_once, thread_name_prefix="staging")

    def submit(self, build: Build) -> None:
        """Stage a build as soon as there is room."""
        self._pool.submit(self._stage, build)

    def cancel(self, build_guid: str) -> None:
        """End a staging whose build is gone."""
        self._stager.cancel(build_guid)

    def close(self) -> None:
        """Drop what waits, which fails at the next start, and end what is under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for build in self._store.call(lambda db: db.find(Build, state="STAGING")):
            self.cancel(build.guid)
        self._pool.shutdown()

    def _stage(self, build: Build) -> None:
        droplet_guid = new_guid()
        sink = self._logs.sink(build.app_guid)
        try:
            request = self._store.call(lambda db: self._request(db, build.guid, droplet_guid))
            if request is None:
                return
            result = self._stager.stage(request, sink)
            names = {reference.key: reference.name for reference in request.buildpacks}
            # The store works in order: this comes after every line that the staging has logged.
            self._store.call(lambda db: builds.finish(db, build.guid, droplet_guid, result, names))
        except StagingUnavailableError as error:
            self._fail(build, f"StagingError - Staging error: {error.message}")
        except Exception as error:
            # Whatever it was, a build must not stay in STAGING, and its user reads why in the app's logs.
            log.exception("Build %s broke", build.guid)
            now = time.time_ns()
            text = f"Failed to stage: {error}"
            sink(LogLine(timestamp_ns=now, source_type="STG", instance_id="0", stream="ERR", text=text))
            self._fail(build, builds.STAGING_FAILED)
        if self._store.call(lambda db: db.get(Droplet, droplet_guid)) is None:
            remove([self._blobs.droplet(droplet_guid)])

    def _fail(self, build: Build, error: str) -> None:
        self._store.call(lambda db: builds.fail(db, build.guid, error))

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
