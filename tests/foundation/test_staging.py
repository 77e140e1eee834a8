"""Staging in real containers: what the scripts see, what comes out, and how each failure shows."""

import gzip
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from foundation.containers import Engine, Wanted
from foundation.failures import StagingUnavailableError
from foundation.model import BuildpackRef, StagingRequest
from foundation.staging import ContainerStager
from tests.foundation.engine_fixtures import STACK, Lines, zip_of

pytestmark = pytest.mark.engine

FINAL = {
    "bin/finalize": "#!/bin/sh\necho finalized\n",
    "bin/release": "#!/bin/sh\necho 'default_process_types: {web: ./run.sh}'\n",
}
ONLINE = "#!/bin/sh\ncat /proc/net/dev\n"
Request = Callable[..., StagingRequest]


@pytest.fixture
def stager(engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path) -> ContainerStager:
    return ContainerStager(engine=engine, images=images, programs=programs, cache=tmp_path / "cache")


@pytest.fixture
def request_of(tmp_path: Path) -> Request:
    """Make a request from buildpacks as `name={file: text}`, in order; other fields by `replace`."""

    def make(**buildpacks: Mapping[str, str]) -> StagingRequest:
        references = [
            BuildpackRef(key=f"key-{name}", name=name, archive=zip_of(tmp_path / f"{name}.zip", files))
            for name, files in buildpacks.items()
        ]
        return StagingRequest(
            build_guid="build-1",
            app_guid="app-1",
            stack=STACK,
            package=zip_of(tmp_path / "app.zip", {"run.sh": "#!/bin/sh\n", "sub/folder/data": "content"}),
            buildpacks=references,
            skip_detect=True,
            environment={"GREETING": "hello"},
            memory_mb=256,
            disk_mb=512,
            timeout_s=120,
            offline=True,
            cache=tmp_path / "blobs" / "cache.tgz",
            droplet=tmp_path / "blobs" / "droplet.tgz",
        )

    return make


def supply(script: str) -> Mapping[str, str]:
    return {"bin/supply": f"#!/bin/sh\n{script}\n"}


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


def test_a_staging_gives_droplet_result_and_separate_lines(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines
) -> None:
    script = (
        "echo to out; echo to err >&2; echo $GREETING $CF_STACK $MEMORY_LIMIT $VCAP_SERVICES; id -un; pwd"
    )
    request = request_of(first=supply(script), last=FINAL)
    result = stager.stage(request, log)
    assert (result.exit_code, result.timed_out) == (0, False)
    assert result.result is not None
    assert result.result["process_types"] == {"web": "./run.sh"}
    assert result.droplet_sha256 is not None
    lines = {(line.source_type, line.stream, line.text) for line in log.lines}
    assert {("STG", "OUT", "to out"), ("STG", "ERR", "to err")} <= lines
    assert ("STG", "OUT", f"hello {STACK} 256m {{}}") in lines
    assert {("STG", "OUT", "vcap"), ("STG", "OUT", "/home/vcap")} <= lines
    with tarfile.open(request.droplet) as droplet:
        data = droplet.getmember("./app/sub/folder/data")
        assert (data.uid, data.gid) == (2000, 2000)
        assert droplet.getmember("./app/run.sh").mode & 0o777 == 0o755
    assert engine.find({}) == []


def test_the_app_folder_can_be_written_by_a_script_at_any_depth(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(
        first=supply("touch $1/new $1/sub/new $1/sub/folder/new && echo more >>$1/run.sh"), last=FINAL
    )
    assert stager.stage(request, log).exit_code == 0


def test_the_cache_of_a_staging_is_there_in_the_next(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first=supply("cat $2/kept; echo from the last time >$2/kept"), last=FINAL)
    assert stager.stage(request, log).exit_code == 0
    assert "from the last time" not in log.texts()
    assert stager.stage(request, log).exit_code == 0
    assert "from the last time" in log.texts()
    changed = replace(
        request, buildpacks=[replace(request.buildpacks[0], key="other"), request.buildpacks[1]]
    )
    again = Lines()
    assert stager.stage(changed, again).exit_code == 0
    assert "from the last time" not in again.texts()


def test_an_offline_staging_has_no_network_and_another_one_has(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first={"bin/supply": ONLINE}, last=FINAL)
    stager.stage(request, log)
    assert not any("eth0:" in text for text in log.texts())
    stager.stage(replace(request, offline=False), log)
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


@pytest.mark.parametrize(
    ("first", "last", "code", "has_result"),
    [
        (supply("exit 7"), FINAL, 225, False),
        (supply("true"), {**FINAL, "bin/supply": "#!/bin/sh\nexit 7\n"}, 223, True),
        (supply("true"), {**FINAL, "bin/finalize": "#!/bin/sh\nexit 7\n"}, 223, True),
        (supply("true"), supply("true"), 223, True),
        (supply("true"), {**FINAL, "bin/release": "#!/bin/sh\nexit 7\n"}, 224, True),
        ({"bin/detect": "#!/bin/sh\n"}, FINAL, 225, False),
        (
            supply("echo '{processes: [{type: s, command: c, limits: {memory: 64M}}]}' >$3/$4/launch.yml"),
            FINAL,
            1,
            True,
        ),
    ],
    ids=["supply", "final-supply", "finalize", "no-compile", "release", "no-supply", "memory-64M"],
)
def test_a_failing_script_has_its_exit_code_and_leaves_no_droplet(
    stager: ContainerStager,
    request_of: Request,
    log: Lines,
    first: Mapping[str, str],
    last: Mapping[str, str],
    code: int,
    has_result: bool,
) -> None:
    request = request_of(first=first, last=last)
    result = stager.stage(request, log)
    assert result.exit_code == code
    assert (result.result is not None) == has_result
    assert result.droplet_sha256 is None
    assert not request.droplet.exists()
    assert not request.cache.exists()


def test_a_failed_staging_leaves_the_earlier_cache(
    stager: ContainerStager, request_of: Request, log: Lines
) -> None:
    request = request_of(first=supply("exit 7"), last=FINAL)
    request.cache.parent.mkdir()
    with gzip.open(request.cache, "wb") as file:
        file.write(bytes(1024))
    before = request.cache.read_bytes()
    assert stager.stage(request, log).exit_code == 225
    assert request.cache.read_bytes() == before


def test_a_staging_that_takes_too_long_is_killed(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines
) -> None:
    request = replace(request_of(first=supply("echo begun; sleep 1000"), last=FINAL), timeout_s=1)
    result = stager.stage(request, log)
    assert result.timed_out
    assert result.droplet_sha256 is None
    assert engine.find({}) == []


def test_a_cancelled_staging_ends(stager: ContainerStager, request_of: Request, log: Lines) -> None:
    results = []
    request = request_of(first=supply("echo begun; sleep 1000"), last=FINAL)
    thread = threading.Thread(target=lambda: results.append(stager.stage(request, log)))
    thread.start()
    log.wait_for("begun")
    stager.cancel("another build")
    stager.cancel(request.build_guid)
    thread.join(60)
    assert [result.exit_code for result in results] == [137]
    assert not results[0].timed_out


def test_a_package_that_leads_out_fails_with_its_reason(
    stager: ContainerStager, request_of: Request, engine: Engine, log: Lines, tmp_path: Path
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    bad = zip_of(tmp_path / "bad.zip", {"../outside": "x"})
    assert stager.stage(replace(request, package=bad), log).exit_code == 1
    assert "Failed to stage: the archive's entry '../outside' leads out of its folder" in log.texts("STG")
    buildpack = BuildpackRef(key="bad", name="bad_buildpack", archive=bad)
    assert stager.stage(replace(request, buildpacks=[buildpack]), log).exit_code == 1
    assert any("buildpack 'bad_buildpack': the archive's entry" in text for text in log.texts("STG"))
    assert engine.find({}) == []


def test_what_a_killed_server_left_is_removed_at_the_next_start(
    engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path
) -> None:
    left = Wanted(
        name="staging-left",
        image=images[STACK],
        argv=["sleep", "1000"],
        user="vcap",
        labels={"train.role": "staging", "train.build": "old"},
        memory_mb=64,
    )
    engine.start(engine.create(left))
    other = Engine(labels={"train.tests": "another foundation"}, network="bridge")
    theirs = other.create(replace(left, name="staging-other", labels={**left.labels, **engine.labels}))
    try:
        ContainerStager(engine=engine, images=images, programs=programs, cache=tmp_path)
        assert engine.find({}) == []
        assert other.condition(theirs) is not None
    finally:
        other.remove(theirs)


def test_an_image_or_engine_that_is_gone_makes_staging_unavailable(
    engine: Engine,
    programs: Path,
    request_of: Request,
    log: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = request_of(first=supply("true"), last=FINAL)
    stager = ContainerStager(engine=engine, images={STACK: "gone:1"}, programs=programs, cache=tmp_path / "c")
    with pytest.raises(StagingUnavailableError, match="No such image: gone:1"):
        stager.stage(request, log)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    lost = replace(engine)
    vars(stager)["_engine"] = lost
    with pytest.raises(StagingUnavailableError, match=r"no\.sock does not answer"):
        stager.stage(request, log)
