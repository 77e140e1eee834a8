"""What the doctor finds, and the command that it names."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from host import doctor, machine
from host.doctor import Row
from host.machine import Machine
from tests.host.machines import Scripts, answering

GIT = 'case "$1" in --version) echo "git version {version}" ;; *) echo "{folder}" ;; esac'


def rows(machine: Machine, **changes: Any) -> Mapping[str, Row]:
    given: dict[str, Any] = {"checkout": Path.cwd(), "go_version": "1.2.3", "go": None, **changes}
    return {row.name: row for row in doctor.check(**given, machine=machine)}


def test_this_machine_has_what_runs_these_tests() -> None:
    found = rows(machine.here())
    for name in ("system", "Python", "git"):
        assert found[name].state == "ok", found[name]


def test_each_row_that_is_not_ok_has_a_remedy(scripts: Scripts) -> None:
    bad = [row for row in rows(scripts.machine()).values() if row.state != "ok"]
    assert {row.name for row in bad} >= {"git", "Go 1.2.3", "Docker engine", "mmdebstrap", "gcc"}
    assert all(row.remedy and row.found for row in bad)


def test_what_is_only_sometimes_needed_warns_and_says_when(scripts: Scripts) -> None:
    found = rows(scripts.machine(uid=1000))
    assert found["mmdebstrap"].state == found["gcc"].state == "warning"
    assert "where no registry offers" in found["mmdebstrap"].found
    assert found["gcc"].remedy == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc libc6-dev"
    )
    scripts.add("gcc")
    assert rows(scripts.machine())["gcc"].state == "ok"


def test_the_exact_go_is_ok_where_the_caller_found_it(scripts: Scripts) -> None:
    assert rows(scripts.machine())["Go 1.2.3"].state == "missing"
    go = Path("/somewhere/go")
    assert rows(scripts.machine(), go=go)["Go 1.2.3"] == Row(name="Go 1.2.3", state="ok", found=str(go))


@pytest.mark.parametrize(
    ("version", "state"),
    [("2.31.9", "missing"), ("2.32.0", "ok"), ("3.0 (Apple)", "ok"), ("none", "missing")],
)
def test_git_must_be_new_enough(scripts: Scripts, version: str, state: str) -> None:
    (scripts.root / "git-daemon").touch()
    scripts.add("git", GIT.format(version=version, folder=scripts.root))
    assert rows(scripts.machine())["git"].state == state


def test_git_without_its_daemon_is_not_enough(scripts: Scripts) -> None:
    scripts.add("git", GIT.format(version="2.40.0", folder=scripts.root))
    found = rows(scripts.machine())["git"]
    assert (found.state, found.found) == ("missing", "2.40.0, without `git daemon`")


def test_a_python_without_venv_is_not_enough(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)  # what an import of a missing module comes to
    found = rows(scripts.machine(uid=1000))["Python"]
    assert (found.state, found.remedy) == ("missing", "sudo apt-get install -y python3-venv")


def test_the_client_alone_is_no_engine(scripts: Scripts) -> None:
    client = scripts.add("docker")
    found = rows(scripts.machine())
    assert found["Docker engine"].state == "missing"
    assert str(client) in found["Docker engine"].found
    assert found["disk for Docker"].state == "warning"
    assert scripts.calls() == []


def test_an_engine_that_answers_is_named_with_its_version(scripts: Scripts) -> None:
    with answering(scripts.socket):
        found = rows(scripts.machine())
    assert found["Docker engine"].found == f"99.1 at unix://{scripts.socket}"
    assert found["disk for Docker"].state == "ok"


def test_a_full_disk_stops_a_release(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FREE_GIB", 1 << 30)
    with answering(scripts.socket):
        found = rows(scripts.machine())
    for name in ("disk for the checkout", "disk for Docker"):
        assert found[name].state == "missing"
        assert "GiB are needed" in found[name].found


def test_a_port_with_a_listener_at_any_address_is_taken(scripts: Scripts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        idle.bind(("127.0.0.1", 0))  # nobody listens, so that it is free to have
        busy, free = taken.getsockname()[1], idle.getsockname()[1]
        found = rows(scripts.machine(), ports=[busy, free])
    assert (found[f"port {busy}"].state, found[f"port {free}"].state) == ("missing", "ok")
    assert f"sport = :{busy}" in found[f"port {busy}"].remedy


def test_only_linux_will_do(scripts: Scripts) -> None:
    found = rows(scripts.machine(system="Darwin", title="Darwin", families=frozenset()))
    assert found["system"].state == "missing"
    assert "Linux" in found["Docker engine"].remedy
