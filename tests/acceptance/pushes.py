"""Pushes every row at once, beside the offline stagings; afterwards keeps the logs and tidies up."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from releaser.errors import FoundationError, TrainError
from releaser.tools import cf
from tests.acceptance import diagnostics, offline
from tests.acceptance.candidate import ROOT, Row
from tests.acceptance.installs import Installed
from tests.acceptance.run import Run, delete_app

AT_ONCE = 8
ENDS_S = 540.0  # less than pytest's own limit for a test, which would not say what was waited for
AGAIN_S = 0.5
ROUTING = ("routes", "random-route", "no-route", "host", "hosts", "domain", "domains")
Done = TypeVar("Done")


@dataclass(frozen=True, kw_only=True)
class Pushes:
    """What is under way: an app for each row, a droplet for each (variant, stack) of the offline proof."""

    apps: Mapping[Row, Future[cf.App]]
    stagings: Mapping[tuple[str, str], Future[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Job:
    """An app of this run: what it is called in files, its manifest's entry, and what works on it."""

    title: str
    entry: Mapping[str, Any]
    work: Future[Any]


@contextmanager
def pushing(run: Run, installed: Installed, failed: Callable[[], set[str]]) -> Iterator[Pushes]:
    """Push everything in threads, and clean up at the end, also where something failed.

    `failed` tells then which rows have a test that did not pass; of these everything is kept that tells why.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pushes = Pushes(
            apps={row: pool.submit(_push, run, row, installed) for row in run.candidate.rows},
            stagings={key: pool.submit(offline.stage, run, installed, *key) for key in offline.stagings(run)},
        )
        try:
            yield pushes
        finally:
            jobs = _jobs(run, installed, pushes)
            _cut_off(run, jobs)
            stays = {row: app.name for row, app in staying(run, pushes).items()}
            run.stays.update(stays.values(), (entry(run, row, installed)["buildpacks"][0] for row in stays))
            told = failed()
            put = [pool.submit(_put_away, run, job, told) for job in jobs]
            for one in put:
                one.result()  # raises what went wrong in the thread


def staying(run: Run, pushes: Pushes) -> dict[Row, cf.App]:
    """Return the apps that are to stay up and run."""
    jobs = {row: job for row, job in pushes.apps.items() if run.candidate.kept(row)}
    return {row: job.result() for row, job in jobs.items() if _succeeded(job)}


def _succeeded(job: Future[Any]) -> bool:
    return job.done() and not job.cancelled() and job.exception() is None


def ended(job: Future[Done], failure: str, *, whole: bool = False) -> Done:
    """Wait for something that runs in a thread; what the foundation says against it fails the test.

    One test of each row says the `whole` of it, log included; the others only what happened.
    """
    error = job.exception(ENDS_S)
    if isinstance(error, TrainError):
        words = f"{error.message}\n{error.remedy}".strip()
        pytest.fail(f"{failure}: {words if whole else words.splitlines()[0]}", pytrace=False)
    return job.result()


def entry(run: Run, row: Row, installed: Installed) -> dict[str, Any]:
    """Return the manifest's entry that a row is pushed with; only an app that stays has routes of its own."""
    given = {**run.manifest(row.app), "name": run.app_name(row), "stack": row.stack}
    given["buildpacks"] = [_buildpack(run, row, installed), *installed.finals(given["buildpacks"][1:])]
    if run.candidate.kept(row):
        return given
    own = {"routes": [{"route": f"{given['name']}.{run.place.domain['name']}"}]}
    return {key: value for key, value in given.items() if key not in ROUTING} | own


def _push(run: Run, row: Row, installed: Installed) -> cf.App:
    given = entry(run, row, installed)
    if run.candidate.kept(row):
        # A push only ever adds: what an earlier app of this name has could make this one pass.
        _delete(run, given["name"])
    else:
        # Made before the push fills them, they bear the run's mark from their first moment on.
        cf.create_app(run.session, run.space, given["name"], run.mark.labels)
        cf.create_route(run.session, run.space, run.place.domain, given["name"], run.mark.labels)
    folder = ROOT / "fixtures" / row.app
    return cf.push(run.session, run.space, folder, given, annotations=offline.annotations(run, row.way))


def _buildpack(run: Run, row: Row, installed: Installed) -> str:
    """Return how the manifest names the buildpack: as `installed` says, or as URL#ref."""
    if row.way != "git":
        return installed.names[row.way, row.stack]
    return str(run.candidate.git)


def _jobs(run: Run, installed: Installed, pushes: Pushes) -> list[Job]:
    rows = [
        Job(title=str(row), entry=entry(run, row, installed), work=work) for row, work in pushes.apps.items()
    ]
    return rows + [
        Job(title=f"offline/{'/'.join(key)}", entry=offline.entry(run, installed, *key), work=work)
        for key, work in pushes.stagings.items()
    ]


def _cut_off(run: Run, jobs: list[Job]) -> None:
    """End what nobody waits for any more, as after an interrupt: an app that is gone ends its push."""
    under_way = [job for job in jobs if not job.work.done() and not job.work.cancel()]
    while under_way:
        for job in under_way:
            with suppress(FoundationError):  # the next look may have more luck
                _delete(run, job.entry["name"])
        wait([job.work for job in under_way], timeout=AGAIN_S)
        under_way = [job for job in under_way if not job.work.done()]


def _delete(run: Run, name: str) -> None:
    app = cf.find_app(run.session, run.space, name)
    if app:
        delete_app(run, app["guid"])


def _put_away(run: Run, job: Job, failed: set[str]) -> None:
    """Write an app's log to the run's folder, all else that is known of one that failed, and delete it."""
    name, group = job.entry["name"], job.title.partition("/")[0]
    try:
        app = cf.find_app(run.session, run.space, name)
        if app is None:
            return
        diagnostics.keep_log(run, app["guid"], job.title)
        if failed & {job.title, group}:
            diagnostics.collect(run, app["guid"], job.title, job.entry)
        if name not in run.stays:
            delete_app(run, app["guid"])
    except FoundationError as error:  # the last sweep tries again; what passed has passed
        run.complaints.append(error.message)
