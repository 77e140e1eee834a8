"""Keeps what a failed job of a pipeline left, and tells whoever wants to know.

A release that a newer source has overtaken has not failed, and nobody is called for it.

Nothing here changes main, a tag or a public name.
"""

import hashlib
import io
import tarfile
import time
from pathlib import Path

import requests

from releaser import acceptance, candidate, placing, report
from releaser.errors import SupersededError, TrainError, WaitingError
from releaser.model import Facts, Release, World

FOLDERS = ("logs", "diagnostics")  # what tests/acceptance leaves in a release's `acceptance`
PATIENCE_S = 20


def tell(world: World, train: Path | None, job: str, url: str) -> None:
    """Put the logs of a failed acceptance into the candidate's folder; post a few words to `url`, if any."""
    release = _release(world, train)
    kept = _keep(release) if release else None
    stopped = _stopped(release) if release else None
    words = stopped.message if stopped else _failed(world, release, job, kept)
    report.say(words)
    if url and not isinstance(stopped, SupersededError):
        told = {"text": words, "name": world.config.name, "job": job, "logs": kept}
        _post(url, {**told, **_identity(release)})


def _release(world: World, train: Path | None) -> Release | None:
    """Return the release that failed, None where it had not come so far."""
    if train is None or not train.is_file():
        return None
    return Release(Facts.from_json(train.read_text(encoding="utf-8")), world)


def _failed(world: World, release: Release | None, job: str, kept: str | None) -> str:
    named = f"{release.name} {release.version}" if release else world.config.name
    return f"{named}: {job or 'a job'} failed" + (f"; logs: {kept}" if kept else "")


def _stopped(release: Release) -> SupersededError | WaitingError | None:
    """Return what an accepted release waits for, or None; also where that cannot be asked."""
    try:
        release.world.repository.fetch()
        ready = candidate.ready(release) if acceptance.passed(release) else None
        return placing.hindrance(release, ready.commit) if ready else None
    except TrainError:
        return None


def _identity(release: Release | None) -> dict[str, str]:
    return {"version": release.version, "source": release.facts.source} if release else {}


def _keep(release: Release) -> str | None:
    """Put logs and diagnostics, as one archive, beside the candidate's zips; return its key, if any."""
    folder = release.folder / "acceptance"
    found = [folder / name for name in FOLDERS if (folder / name).is_dir()]
    found += sorted(folder.glob("*.json"))
    if not found:
        return None
    content = _archive(folder, found)
    digest = hashlib.sha256(content).hexdigest()
    name = f"failed-{release.config.foundation.name}-{time.time_ns()}.tar.gz"
    key = f"{release.candidate_prefix}/{name}"
    release.world.store.put_new(key, content, digest=digest, kind="application/gzip")
    return key


def _archive(folder: Path, found: list[Path]) -> bytes:
    """Return a tar of files and folders; the suite has masked every secret in them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path in found:
            archive.add(path, arcname=str(path.relative_to(folder)))
    return made.getvalue()


def _post(url: str, body: dict[str, str | None]) -> None:
    """Post JSON; `text` is what chat services show."""
    try:
        answer = requests.post(url, json=body, timeout=PATIENCE_S)
        answer.raise_for_status()
    except requests.RequestException as error:
        reason = f"it answered {error.response.status_code}" if error.response is not None else "no answer"
        raise TrainError(f"the webhook could not be called: {reason}", "See pipeline.failure_url.") from error
