"""Staging in real containers: which network there is, and buildpacks that are fetched through it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.model.staging import BuildpackRef
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import Lines, zip_of
from tests.foundation.staging.stagings import FINAL, Request, supply

pytestmark = pytest.mark.engine

ONLINE = "#!/bin/sh\ncat /proc/net/dev\n"


def repository_of(work: Path, bare: Path, scripts: tuple[str, str]) -> None:
    """Make a repository that plain HTTP can serve: the first script is tagged v1, the second is newer."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q", work], check=True)
    (work / "bin").mkdir()
    for script, after in zip(scripts, (["tag", "v1"], ["status", "-s"]), strict=True):
        (work / "bin" / "supply").write_text(supply(script)["bin/supply"])
        (work / "bin" / "supply").chmod(0o755)
        for words in (["add", "."], ["commit", "-qm", "x"], after):
            subprocess.run([*git, "-C", work, *words], check=True)
    subprocess.run([*git, "clone", "-q", "--bare", work, bare], check=True)
    subprocess.run([*git, "-C", bare, "update-server-info"], check=True)


@contextmanager
def serving(folder: Path, engine: Engine) -> Iterator[str]:
    """Serve a folder where containers can reach it, and give host:port."""
    subnet = engine.client.inspect_network(engine.network)["IPAM"]["Config"][0]["Subnet"]
    gateway = str(next(ip_network(subnet).hosts()))  # some engines do not say the bridge's own address
    with ThreadingHTTPServer((gateway, 0), partial(SimpleHTTPRequestHandler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"{gateway}:{server.server_port}"
        server.shutdown()


def test_an_offline_staging_has_no_network_and_another_one_has(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first={"bin/supply": ONLINE}, last=FINAL)
    stager.stage(request, log)
    assert not any("eth0:" in text for text in log.texts())
    stager.stage(replace(request, build_guid="build-2", offline=False), log)
    assert any("eth0:" in text for text in log.texts())


def test_buildpacks_by_url_are_fetched_in_the_stack_zip_and_git_at_a_tag(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    zip_of(served / "first.zip", supply("echo from a zip"))
    repository_of(tmp_path / "work", served / "second.git", ("echo from v1", "echo from the branch"))
    with serving(served, engine) as address:
        urls = [f"http://{address}/first.zip", f"http://{address}/second.git#v1"]
        last = request_of(last=FINAL)
        by_url = [BuildpackRef(key=url, name=url, archive=None) for url in urls]
        request = replace(last, buildpacks=[*by_url, *last.buildpacks], offline=False)
        result = stager.stage(request, log)
    assert result.exit_code == 0, log.texts()
    assert {"from a zip", "from v1"} <= set(log.texts("STG"))
    assert "from the branch" not in log.texts()
    assert result.result is not None
    rows = result.result["lifecycle_metadata"]["buildpacks"]
    assert [row["key"] for row in rows] == [*urls, "key-last"]
