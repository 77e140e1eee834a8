"""A container behind the router: its processes by their ports, each on a route of its own."""

from pathlib import Path

import httpx
import pytest

from foundation import table
from foundation.model.running import ProcessSpec, SidecarSpec
from foundation.routing import RouterProcess
from tests.foundation.engine_fixtures import Lines, process
from tests.foundation.running.runners import MakeRunner, reaches

pytestmark = pytest.mark.engine

SERVER = """exec ruby -rsocket -e '
name, host, port = ARGV
server = TCPServer.new(host, port.to_i)
$stdout.sync = true
puts "listening"
loop do
  client = server.accept
  asked = []
  while (line = client.gets) && line != "\\r\\n"
    asked << line.chomp if line.start_with?("X-Cf-")
  end
  body = [name, *asked.sort].join("|")
  head = ["HTTP/1.1 200 OK", "Content-Length: #{body.bytesize}", "Connection: close"]
  client.write [*head, "", body].join("\\r\\n")
  client.close
end' """


def server(name: str, host: str, port: int) -> SidecarSpec:
    return SidecarSpec(name=name, command=f"{SERVER} {name} {host} {port}", memory_mb=None)


def address(spec: ProcessSpec, host: str, port: int) -> table.Address:
    target = table.Target(
        app_guid=spec.app_guid, process_guid=spec.process_guid, process_type=spec.type, port=port
    )
    return table.Address(host=host, path="", targets=[target])


def test_a_sidecar_answers_on_its_own_route_unless_only_its_container_can_reach_it(
    make_runner: MakeRunner, router: RouterProcess, empty: Path, log: Lines
) -> None:
    runner = make_runner()
    sidecars = (server("config-server", "0.0.0.0", 8082), server("shy", "127.0.0.1", 8083))
    spec = process(empty, f"{SERVER} web 0.0.0.0 8080", sidecars=sidecars, memory_mb=256)
    runner.run(spec, log)
    instance = reaches(runner, spec.process_guid, "RUNNING")
    log.wait_for("listening", 3)
    ports = {"web.test": 8080, "sidecar.test": 8082, "shy.test": 8083}
    addresses = [address(spec, host, port) for host, port in ports.items()]
    router.swap(table.filled(addresses, runner, {}))

    def ask(host: str) -> httpx.Response:
        return httpx.get(f"http://{router.address}", headers={"Host": host}, timeout=20)

    facts = [
        f"X-Cf-Applicationid: {spec.app_guid}",
        f"X-Cf-Instanceid: {instance.guid}",
        "X-Cf-Instanceindex: 0",
    ]
    assert ask("web.test").text.split("|") == ["web", *facts]
    assert ask("sidecar.test").text.split("|") == ["config-server", *facts]
    refused = ask("shy.test")
    assert refused.status_code == 502
    assert refused.headers["X-Cf-RouterError"] == (
        f"endpoint_failure (dial tcp {instance.address}:8083: connect: connection refused)"
    )
