"""Pushes every row at once, beside the offline stagings; afterwards keeps the logs and tidies up."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from releaser.errors import ConfigError, FoundationError, TrainError
from releaser.tools import cf
from tests.acceptance import installs, offline
from tests.acceptance.candidate import ROOT, Row
from tests.acceptance.installs import Installed
from tests.acceptance.run import Run, delete_app, manifest

AT_ONCE = 8
ENDS_S = 540.0  # less than pytest's own limit for a test, which would not say what was waited for
Done = TypeVar("Done")


@dataclass(frozen=True, kw_only=True)
class Pushes:
    """What is under way: an app for each row, a droplet for each (variant, stack) of the offline proof."""

    apps: Mapping[Row, Future[cf.App]]
    stagings: Mapping[tuple[str, str], Future[Mapping[str, Any]]]


@contextmanager
def pushing(run: Run, installed: Installed) -> Iterator[Pushes]:
    """Push everything in threads, and clean up at the end, also where something failed."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pushes = Pushes(
            apps={row: pool.submit(_push, run, row, installed) for row in run.candidate.rows},
            stagings={key: pool.submit(offline.stage, run, installed, *key) for key in offline.stagings(run)},
        )
        try:
            yield pushes
        finally:
            pool.shutdown(wait=True)
            _clean(run, installed, staying(run, pushes))


def staying(run: Run, pushes: Pushes) -> dict[Row, cf.App]:
    """Wait for the apps that are to stay up, and return those that run."""
    jobs = {row: job for row, job in pushes.apps.items() if run.candidate.kept(row)}
    return {row: job.result() for row, job in jobs.items() if not job.exception()}


def ended(job: Future[Done], failure: str, *, whole: bool = False) -> Done:
    """Wait for something that runs in a thread; what the foundation says against it fails the test.

    One test of each row says the `whole` of it, log included; the others only what happened.
    """
    error = job.exception(ENDS_S)
    if isinstance(error, TrainError):
        words = f"{error.message}\n{error.remedy}".strip()
        pytest.fail(f"{failure}: {words if whole else words.splitlines()[0]}", pytrace=False)
    return job.result()


def _push(run: Run, row: Row, installed: Installed) -> cf.App:
    given, name = manifest(row.app), run.app_name(row)
    # A push only ever adds: what an earlier app of this name has could make this one pass.
    earlier = cf.find_app(run.session, run.space, name)
    if earlier:
        delete_app(run, earlier["guid"])
    return cf.push(
        run.session,
        run.space,
        ROOT / "fixtures" / row.app,
        given,
        name=name,
        buildpacks=[_buildpack(run, row, installed), *given["buildpacks"][1:]],
        stack=row.stack,
        annotations=offline.annotations(run, row.way),
    )


def _buildpack(run: Run, row: Row, installed: Installed) -> str:
    """Return how the manifest names the buildpack: by this run's name, or as URL#ref."""
    if row.way != "git":
        return installed.buildpacks[row.way, row.stack].name
    if run.candidate.git is None:
        raise ConfigError("`git` is among the ways, but the candidate has no git URL", "Set git.public_url.")
    return run.candidate.git


def _clean(run: Run, installed: Installed, kept: Mapping[Row, cf.App]) -> None:
    """Write every app's log to the run's folder, and delete all but what stays up."""
    rows = run.candidate.rows
    apps = {run.app_name(row): str(row) for row in rows}
    apps |= {offline.app_name(run, *key): f"offline/{'/'.join(key)}" for key in offline.stagings(run)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        stays = {app.name for app in kept.values()}
        jobs = [pool.submit(_put_away, run, name, title, name in stays) for name, title in apps.items()]
    for job in jobs:
        job.result()  # raises what went wrong in the thread
    in_use = {_buildpack(run, row, installed) for row in kept}
    installs.uninstall(run, installed, in_use)


def _put_away(run: Run, name: str, title: str, stays: bool) -> None:
    app = cf.find_app(run.session, run.space, name)
    if app is None:
        return
    try:
        text = "".join(f"{line}\n" for line in cf.recent_logs(run.session, app["guid"]))
    except FoundationError as error:
        text = f"{error.message}\n"
    (run.folder / f"{title.replace('/', '-')}.log").write_text(text, encoding="utf-8")
    if not stays:
        delete_app(run, app["guid"])
