"""The whole server as a process: a real app is staged, runs, survives the server's death, and goes."""

import json
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.network import APART
from foundation import programs
from foundation.serving import programs_folder
from tests.foundation.api.talk import Talk, a_zip

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".local/cache"
GO = Path(sys.prefix) / "lib/python3.11/site-packages/go/bin/go"
WEB = """
require "socket"
$stdout.sync = true
server = TCPServer.new("0.0.0.0", ENV["PORT"])
puts "listening"
loop do
  client = server.accept
  client.gets
  body = "hello from #{ENV["CF_INSTANCE_GUID"]} with #{ENV["GREETING"]}"
  answer = ["HTTP/1.1 200 OK", "Content-Length: #{body.bytesize}", "Connection: close", "", body]
  client.write answer.join("\\r\\n")  # at once: a health check goes away without reading
  client.close
end
"""
RELEASE = "#!/bin/sh\necho 'default_process_types: {web: exec ruby web.rb}'\n"
MANIFEST = """
applications:
- name: hello
  memory: 128M
  default-route: true
  buildpacks: [tiny]
  env: {GREETING: 8082}
  sidecars:
  - {name: helper, process_types: [web], command: 'echo helping; exec sleep 1000', memory: 32M}
"""


class Server:
    """A foundation's process."""

    def __init__(self, state: Path, network: str, built: Path) -> None:
        self.state = state
        self.arguments = [
            *("--state", state, "--listen", "127.0.0.1:0", "--router-listen", "127.0.0.1:0"),
            *("--tls-listen", "127.0.0.1:0"),
            *("--network", network, "--label", f"train.test={network}", "--stack", "cflinuxfs4"),
            *("--programs", built, "--cache", CACHE),
        ]
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "foundation", "serve", *map(str, self.arguments)]
        with (self.state.parent / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        return self.process

    def facts(self) -> dict[str, Any]:
        """Return ready.json of the process that runs now."""
        ready = self.state / "ready.json"
        for _ in range(3000):
            found: dict[str, Any] = json.loads(ready.read_text()) if ready.exists() else {}
            if found.get("pid") == self.process.pid:
                return found
            assert self.process.poll() is None, (self.state.parent / "serve.log").read_text()
            time.sleep(0.1)
        raise AssertionError("the server does not get ready")

    def end(self, number: int) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a server with a Docker network of its own; nothing of it is left afterwards."""
    import docker

    engine = docker.from_env()
    name = f"train-test-{uuid.uuid4().hex[:8]}"
    network = engine.networks.create(name, options=APART)
    built = programs.build(GO, ROOT / ".local/tests/programs", cache=CACHE)
    (tmp_path / "state").mkdir()
    found = Server(tmp_path / "state", name, built)
    try:
        yield found
    finally:
        found.end(signal.SIGTERM)
        for container in engine.containers.list(all=True, filters={"label": f"train.test={name}"}):
            container.remove(force=True)
        for tag in (tag for image in engine.images.list() for tag in image.tags if tag.endswith(f"-{name}")):
            engine.images.remove(tag)
        network.remove()
        engine.close()


def until(wanted: Callable[[], Any], told: Callable[[], Any] = lambda: "") -> Any:
    """Return the first true value within a minute; what is `told` explains where there is none."""
    for _ in range(600):
        found = wanted()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it does not happen within a minute: {told()}")


def log_in(facts: dict[str, Any]) -> Talk:
    talk = Talk(httpx.Client(base_url=facts["api"], timeout=60))
    talk.log_in(facts["password"])
    return talk


def answer(facts: dict[str, Any]) -> str:
    return httpx.get(facts["router"], headers={"Host": f"hello.{facts['domain']}"}).text


def secure_answer(facts: dict[str, Any]) -> str:
    host = f"hello.{facts['domain']}"
    trusting = ssl.create_default_context(cafile=facts["router_authority"])
    with httpx.Client(verify=trusting) as client:
        url, named = facts["router_tls"], {"sni_hostname": host}
        return client.get(url, headers={"Host": host}, extensions=named).text


def accesses(talk: Talk, app: str) -> list[str]:
    """Return the lines of the router."""
    return [text for source, text in talk.log(app) if source == "RTR"]


def running(talk: Talk, app: str) -> list[str]:
    """Return the guids of the instances that run."""
    rows = talk.get(f"/v3/processes/{app}/stats")["resources"]
    return [row["instance_guid"] for row in rows if row["state"] == "RUNNING"]


def push(talk: Talk) -> str:
    """Return the guid of the app, staged and running."""
    buildpack = talk.post("/v3/buildpacks", {"name": "tiny"})["guid"]
    scripts = a_zip({"bin/compile": "#!/bin/sh\necho compiling\n", "bin/release": RELEASE}, mode=0o755)
    assert talk.job(talk.upload(f"/v3/buildpacks/{buildpack}/upload", scripts))["state"] == "COMPLETE"
    assert talk.apply(MANIFEST)["state"] == "COMPLETE"
    app: str = talk.get("/v3/apps?names=hello")["resources"][0]["guid"]
    build = talk.build(app, files={"web.rb": WEB})
    assert build["state"] == "STAGED", (build, talk.log(app))
    talk.assign(app, build["droplet"]["guid"])
    talk.post(f"/v3/apps/{app}/actions/start", status=200)
    until(lambda: running(talk, app), lambda: talk.log(app))
    return app


@pytest.mark.engine
def test_server_app_runs_survives_a_kill_and_is_deleted(server: Server) -> None:
    facts = server.facts()
    assert (server.state / "ready.json").stat().st_mode & 0o777 == 0o600
    talk = log_in(facts)
    app = push(talk)
    (instance,) = running(talk, app)
    assert answer(facts) == f"hello from {instance} with 8082"
    assert secure_answer(facts) == f"hello from {instance} with 8082"
    until(lambda: len(accesses(talk, app)) == 2, lambda: talk.log(app))
    lines = talk.log(app)
    assert ("STG", "compiling") in lines
    assert until(lambda: ("APP/PROC/WEB/SIDECAR/HELPER", "helping") in talk.log(app))

    server.end(signal.SIGKILL)
    server.start()
    facts = server.facts()
    talk = log_in(facts)
    assert until(lambda: running(talk, app)) == [instance]
    assert until(lambda: answer(facts)) == f"hello from {instance} with 8082"
    until(lambda: len(accesses(talk, app)) >= 3, lambda: talk.log(app))
    protocols = [text.partition("x_forwarded_proto:")[2].split()[0] for text in accesses(talk, app)]
    assert protocols == ['"http"', '"https"', '"http"']
    assert all(f'app_index:"0" instance_id:"{instance}"' in text for text in accesses(talk, app))
    assert talk.log(app)[: len(lines)] == lines

    assert server.end(signal.SIGTERM) == 0
    assert not (server.state / "ready.json").exists()
    server.start()
    facts = server.facts()
    talk = log_in(facts)
    assert running(talk, app) == [instance]
    talk.delete(f"/v3/apps/{app}")
    assert talk.get("/v3/apps")["resources"] == []
    until(lambda: "no available endpoints" in answer(facts))


def test_programs_folder_has_the_official_programs_over_ours(tmp_path: Path) -> None:
    ours, official = tmp_path / "ours", tmp_path / "official"
    for folder, names in ((ours, ("builder", "supervisor")), (official, ("builder", "launcher"))):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(folder.name)
    for _ in range(2):
        merged = programs_folder(tmp_path, ours, official)
        assert {path.name: path.read_text() for path in merged.iterdir()} == {
            "builder": "official",
            "launcher": "official",
            "supervisor": "ours",
        }
    assert programs_folder(tmp_path, ours, None) == ours


@pytest.mark.engine
def test_server_second_on_the_same_state_or_port_says_so(server: Server) -> None:
    api = server.facts()["api"].removeprefix("http://")
    for index, state in ((1, server.state), (2, server.state.parent / "other")):
        arguments = list(map(str, server.arguments))
        arguments[1] = str(state)
        arguments[3] = api if index == 2 else arguments[3]
        argv = [sys.executable, "-m", "foundation", "serve", *arguments]
        ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        expected = "another foundation serves from" if index == 1 else f"cannot listen on {api}"
        assert ended.returncode == 1
        assert expected in ended.stderr
        assert "Traceback" not in ended.stderr
