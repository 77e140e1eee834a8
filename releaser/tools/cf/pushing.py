"""Pushes an app as `cf push` does: manifest, package, build, droplet, restart; failures come with the log."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releaser.errors import FoundationError
from releaser.tools.cf.apps import Instance, apply, instances, read_manifest
from releaser.tools.cf.logs import LogLine, recent_logs
from releaser.tools.cf.package import pack
from releaser.tools.cf.routes import urls
from releaser.tools.cf.session import Session, Space, explained, request, wait_for
from releaser.tools.cf.transport import CONNECT_S, UPLOAD_S, Upload

PACKAGE_S, STAGING_S, START_S = 300.0, 900.0, 300.0  # the cf CLI's limits for staging and starting
SHOWN_LINES, SETTLE_S, SETTLE_READS = 40, 0.7, 8


class StagingFailedError(FoundationError):
    """A build failed; the message ends with the last lines of the staging log."""


class StartFailedError(FoundationError):
    """An app crashed before it ran; the message ends with the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class App:
    """A pushed app: complete URLs, the API's object of the droplet, the web instances as the push ended."""

    guid: str
    name: str
    urls: tuple[str, ...]
    droplet: Mapping[str, Any]
    instances: tuple[Instance, ...]


def push(
    session: Session,
    space: Space,
    folder: Path,
    manifest: Mapping[str, Any] | Path,
    *,
    name: str | None = None,
    buildpacks: Sequence[str] | None = None,
    stack: str | None = None,
    env: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> App:
    """Push a folder as `cf push -f MANIFEST -p FOLDER` does, and wait until an instance of web runs.

    What is given by name replaces the manifest's, except `env`, which is laid over it.
    Raises StagingFailedError, StartFailedError, FoundationError.
    """
    application = read_manifest(manifest) if isinstance(manifest, Path) else dict(manifest)
    given = {"name": name, "buildpacks": list(buildpacks) if buildpacks else None, "stack": stack}
    application |= {key: value for key, value in given.items() if value is not None}
    application["env"] = {**(application.get("env") or {}), **(env or {})}
    guid = apply(session, space, application, annotations=annotations)
    droplet = stage(session, guid, upload(session, guid, folder))
    running = start(session, guid, droplet)
    return App(
        guid=guid,
        name=application["name"],
        urls=tuple(urls(session, guid)),
        droplet=droplet,
        instances=tuple(running),
    )


def upload(session: Session, app_guid: str, folder: Path) -> str:
    """Upload an app's folder, and return the guid of the package once it is ready."""
    body = {"type": "bits", "relationships": {"app": {"data": {"guid": app_guid}}}}
    what = f"upload {folder}"
    guid = request(session, "post", "/v3/packages", what=what, json=body).json()["guid"]
    with tempfile.TemporaryDirectory(prefix="cf-package-") as scratch:
        bits = Path(scratch) / "package.zip"
        pack(folder, bits)
        form = Upload(path=bits, filename=bits.name, fields={"resources": "[]"})
        path, limits = f"/v3/packages/{guid}/upload", (CONNECT_S, UPLOAD_S)
        request(session, "post", path, what=what, data=form, headers=form.headers, timeout=limits)

    def look() -> Mapping[str, Any] | None:
        package: Mapping[str, Any] = request(session, "get", f"/v3/packages/{guid}", what=what).json()
        return package if package["state"] in ("READY", "FAILED", "EXPIRED") else None

    package = wait_for(look, limit=PACKAGE_S, what=f"the upload of {folder}")
    if package["state"] != "READY":
        error = (package.get("data") or {}).get("error")
        raise FoundationError(f"cannot {what}: the package is {package['state']}: {error}")
    return str(guid)


def stage(session: Session, app_guid: str, package_guid: str) -> Mapping[str, Any]:
    """Build a package, and return the API's object of the droplet; raises StagingFailedError."""
    asked = {"package": {"guid": package_guid}}
    guid = request(session, "post", "/v3/builds", what="start staging", json=asked).json()["guid"]

    def look() -> Mapping[str, Any] | None:
        build: Mapping[str, Any] = request(
            session, "get", f"/v3/builds/{guid}", what="watch the staging"
        ).json()
        return build if build["state"] in ("STAGED", "FAILED") else None

    build = wait_for(look, limit=STAGING_S, what="staging")
    if build["state"] == "FAILED":
        log = _tail(session, app_guid, ("STG",))
        raise StagingFailedError(f"staging failed: {build['error']}\n{log}")
    with explained("read the droplet"):
        droplet: Mapping[str, Any] = session.client.v3.droplets.get(build["droplet"]["guid"])
    return droplet


def start(session: Session, app_guid: str, droplet: Mapping[str, Any]) -> list[Instance]:
    """Make a droplet current, restart the app with it, wait until an instance of web runs, and return them.

    Raises StartFailedError where every instance crashed, as `cf push` does.
    """
    current = {"data": {"guid": droplet["guid"]}}
    path = f"/v3/apps/{app_guid}/relationships/current_droplet"
    request(session, "patch", path, what="assign the droplet", json=current)
    with explained("restart the app"):
        session.client.v3.apps.restart(app_guid)

    def look() -> list[Instance] | None:
        rows = instances(session, app_guid)
        if rows and all(row.state == "CRASHED" for row in rows):
            reasons = "; ".join(sorted({row.details for row in rows if row.details})) or "no details"
            log = _tail(session, app_guid, ("APP", "CELL", "HEALTH"))
            raise StartFailedError(f"the app crashed: {reasons}\n{log}")
        return rows if not rows or any(row.state == "RUNNING" for row in rows) else None

    return wait_for(look, limit=START_S, what="the start of the app")


def _tail(session: Session, app_guid: str, sources: Sequence[str]) -> str:
    """Return the newest lines of some sources once no more arrive: logs come later than states."""
    lines: list[LogLine] = []
    try:
        for _ in range(SETTLE_READS):
            read = [one for one in recent_logs(session, app_guid) if one.source.split("/")[0] in sources]
            if read and read == lines:
                break
            lines = read
            time.sleep(SETTLE_S)
    except FoundationError as error:  # what failed before matters more
        return f"   (the log cannot be read: {error.message})"
    return "\n".join(f"   {line}" for line in lines[-SHOWN_LINES:]) or "   (the log has no lines)"
