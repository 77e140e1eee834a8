"""Rules of builds: when one may begin, and how its result becomes a droplet or a sentence about the failure.

Source of the sentences: cloud_controller's staging_completion_handler.rb and the builder's exit codes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from foundation import errors
from foundation.model.staging import StagingResult
from foundation.rows.apps import App, Process
from foundation.rows.work import Build, Droplet, Package
from foundation.rules import buildpacks
from foundation.store import Db

FAILURES = {
    222: "NoAppDetectedError - An app was not successfully detected by any available buildpack",
    223: "BuildpackCompileFailed - App staging failed in the buildpack compile phase",
    224: "BuildpackReleaseFailed - App staging failed in the buildpack release phase",
}
STAGING_FAILED = "StagingError - Staging error: staging failed"
NO_COMMAND = "StagingError - Staging error: Start command not specified"
EXPIRED = "StagingTimeExpired - Staging time expired: the staging took longer than it may"
RESTARTED = "StagingError - Staging error: the foundation was restarted during this build; stage again"


def create(db: Db, package: Package, chosen: Sequence[str] | None, stack: str | None, user: str) -> Build:
    """Keep a new build of a package, with the app's buildpacks and stack unless others are chosen."""
    if package.state != "READY":
        raise errors.bad_request("Cannot stage package whose state is not ready.")
    if db.first(Build, app_guid=package.app_guid, state="STAGING"):
        raise errors.staging_in_progress()
    app = db.need(App, package.app_guid)
    build = Build(
        app_guid=app.guid,
        package_guid=package.guid,
        buildpacks=app.buildpacks if chosen is None else chosen,
        stack=stack or app.stack,
        created_by=user,
    )
    buildpacks.for_staging(db, build.buildpacks, build.stack)
    return db.insert(build)


def finish(
    db: Db, build_guid: str, droplet_guid: str, result: StagingResult, names: Mapping[str, str]
) -> bool:
    """Write down how a staging ended; say whether a droplet is kept. `names` are the buildpacks' by key."""
    build = db.get(Build, build_guid)
    if build is None:  # its app was deleted meanwhile
        return False
    error = _error(db, build, result)
    if error:
        return fail(db, build_guid, error)
    droplet = db.insert(_droplet(build, droplet_guid, result, names))
    db.change(build, state="STAGED", droplet_guid=droplet.guid)
    return True


def fail(db: Db, build_guid: str, error: str) -> bool:
    """Write down that a build failed; say that no droplet is kept."""
    build = db.get(Build, build_guid)
    if build:
        db.change(build, state="FAILED", error=error)
    return False


def fail_interrupted(db: Db) -> None:
    """Fail the builds that a killed server left in STAGING."""
    for build in db.find(Build, state="STAGING"):
        fail(db, build.guid, RESTARTED)


def _error(db: Db, build: Build, result: StagingResult) -> str | None:
    if result.timed_out:
        return EXPIRED
    if result.exit_code or result.result is None or result.droplet_sha256 is None:
        return FAILURES.get(result.exit_code, STAGING_FAILED)
    web = db.first(Process, app_guid=build.app_guid, type="web")
    if not result.result.get("process_types") and not (web and web.command):
        return NO_COMMAND
    return None


def _droplet(build: Build, guid: str, result: StagingResult, names: Mapping[str, str]) -> Droplet:
    facts = result.result or {}
    return Droplet(
        guid=guid,
        app_guid=build.app_guid,
        package_guid=build.package_guid,
        sha256=result.droplet_sha256 or "",
        stack=build.stack,
        buildpacks=_buildpack_rows(facts.get("lifecycle_metadata") or {}, names),
        process_types=facts.get("process_types") or {},
        sidecars=facts.get("sidecars") or [],
    )


def _buildpack_rows(metadata: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [
        {
            "name": names.get(entry["key"], entry["key"]),
            "detect_output": None,
            "buildpack_name": entry.get("name"),
            "version": entry.get("version"),
        }
        for entry in metadata.get("buildpacks") or ()
    ]
    if rows:
        rows[-1]["detect_output"] = metadata.get("detected_buildpack")
    return rows
