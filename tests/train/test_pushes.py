"""Pushes beside the set that gates a release: the other fixtures, the buildpack put last, the proxy proof."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from releaser.tools import cf
from tests.acceptance import candidate, installs, offline
from tests.acceptance import run as runs
from tests.acceptance.installs import Installed
from tests.acceptance.run import Run
from tests.train.clone import CHECKOUT, Clone

pytestmark = [pytest.mark.train]
FIXTURES = CHECKOUT / "fixtures"


@pytest.fixture(scope="module")
def run(undisturbed: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """An acceptance run on the foundation of a clone that has released."""
    ready = json.loads((undisturbed.local / "embedded/foundation/ready.json").read_text())
    (order,) = (undisturbed.local / "releases").glob("embedded/*/acceptance/candidate.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CF_USERNAME", ready["user"])
        patch.setenv("CF_PASSWORD", ready["password"])
        with runs.running(candidate.load(order), tmp_path_factory.mktemp("logs")) as run:
            yield run


@pytest.fixture(scope="module")
def installed(run: Run) -> Installed:
    """The release's zips, installed on that foundation as long as the run lasts."""
    return installs.install(run)


def push(run: Run, installed: Installed, fixture: str) -> cf.App:
    """Push a fixture with the uncached zip in place of the buildpack that its manifest names."""
    ours, folder = installed.names["uncached", "cflinuxfs4"], FIXTURES / fixture
    return cf.push(run.session, run.space, folder, folder / "manifest.yml", buildpacks=[ours, installs.FINAL])


def test_app_without_a_sidecar_runs_without_one(run: Run, installed: Installed) -> None:
    app = push(run, installed, "app_without_sidecar")
    answer = cf.visit(run.session, f"{app.urls[0]}/")
    assert (answer.status, answer.body) == (200, "Hi, I'm an app without a sidecar!")
    assert cf.sidecars(run.session, app.guid) == []
    runs.delete_app(run, app.guid)


def test_app_whose_sidecar_lacks_its_port_crashes_and_its_sidecar_says_why(
    run: Run, installed: Installed
) -> None:
    with pytest.raises(
        cf.StartFailedError, match=r"APP/PROC/WEB/SIDECAR/CONFIG-SERVER: Exited with status 1"
    ):
        push(run, installed, "app_whose_sidecar_lacks_its_port")
    name = run.manifest("app_whose_sidecar_lacks_its_port")["name"]
    app = cf.find_app(run.session, run.space, name)
    assert app is not None
    said = {
        (line.source, line.stream, line.text)
        for line in cf.recent_logs(run.session, app["guid"])
        if "CONFIG_SERVER_PORT" in line.text
    }
    assert said == {("APP/PROC/WEB/SIDECAR/CONFIG-SERVER", "ERR", "Error: missing $CONFIG_SERVER_PORT")}
    runs.delete_app(run, app["guid"])


def test_buildpack_that_is_put_last_fails_staging_and_says_what_to_do(run: Run, installed: Installed) -> None:
    ours = installed.names["uncached", "cflinuxfs4"]
    given = {**run.manifest("rubyapp"), "name": "last", "buildpacks": [ours], "no-route": True}
    guid = cf.apply(run.session, run.space, given)
    with pytest.raises(cf.StagingFailedError) as caught:
        cf.stage(run.session, guid, cf.upload(run.session, guid, FIXTURES / "rubyapp"))
    assert "BuildpackCompileFailed" in caught.value.message
    assert "config-server_buildpack is a supply buildpack" in caught.value.message
    runs.delete_app(run, guid)


def test_closed_proxies_prove_the_cached_zip_where_staging_cannot_be_cut_off(
    run: Run, installed: Installed
) -> None:
    """What a real foundation gets: proxies on a closed port stop the uncached zip and not the cached one."""
    elsewhere = replace(run, info=replace(run.info, staging_network_annotation=None))
    assert offline.proof(elsewhere) == offline.CLOSED_PROXY
    assert set(offline.stagings(elsewhere)) == {("cached", "cflinuxfs4"), ("uncached", "cflinuxfs4")}
    with pytest.raises(cf.StagingFailedError) as caught:
        offline.stage(elsewhere, installed, "uncached", "cflinuxfs4")
    assert offline.UNREACHABLE.search(caught.value.message)
    assert offline.stage(elsewhere, installed, "cached", "cflinuxfs4")["guid"]


def test_logs_of_the_gating_pushes_are_kept(undisturbed: Clone) -> None:
    (folder,) = (undisturbed.local / "releases").glob("embedded/*/acceptance")
    logs = {path.name: path.read_text() for path in (folder / "logs").glob("*.log")}
    assert "rubyapp-uncached-cflinuxfs4.log" in logs
    assert "-----> Installing config-server v0.1.0" in logs["rubyapp-uncached-cflinuxfs4.log"]
