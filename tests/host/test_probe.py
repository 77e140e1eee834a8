"""Whether an engine answers."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from host import probe
from tests.host.machines import Scripts, answering

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a moment where we are root, whom no file mode stops."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(was)


def test_an_engine_that_answers_is_found_with_its_version_and_root(scripts: Scripts) -> None:
    with answering(scripts.socket):
        found = probe.probe(scripts.machine())
    assert (found.state, found.said, str(found.root)) == ("answers", "99.1", "/")


def test_docker_host_decides_where_to_ask(scripts: Scripts) -> None:
    elsewhere = scripts.root / "elsewhere.sock"
    machine = scripts.machine(environment={"DOCKER_HOST": f"unix://{elsewhere}"})
    assert probe.probe(machine).state == "silent"
    with answering(elsewhere):
        assert probe.probe(machine).state == "answers"


def test_no_socket_is_silence_in_the_systems_own_words(scripts: Scripts) -> None:
    found = probe.probe(scripts.machine())
    assert (found.state, found.said) == ("silent", "No such file or directory")


def test_a_socket_that_nobody_serves_is_silence(scripts: Scripts) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(scripts.socket))
    found = probe.probe(scripts.machine())
    assert (found.state, found.said) == ("silent", "Connection refused")


@pytest.mark.timeout(40)  # less than the SDK's own patience
def test_a_socket_that_takes_and_does_not_answer_is_silence(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PROBE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as dumb:
        dumb.bind(str(scripts.socket))
        dumb.listen()
        found = probe.probe(scripts.machine())
    assert (found.state, found.said) == ("silent", "timed out")


def test_a_socket_that_we_may_not_use_is_denied(scripts: Scripts) -> None:
    with answering(scripts.socket):
        probe.probe(scripts.machine())  # imports while we may read everything
        scripts.socket.chmod(0)
        with unprivileged():
            found = probe.probe(scripts.machine())
    assert (found.state, found.said) == ("denied", "Permission denied")


def test_an_address_that_is_none_is_silence(scripts: Scripts) -> None:
    for address in ("ssh://host", "nonsense://x", "tcp://127.0.0.1:1"):
        found = probe.probe(scripts.machine(environment={"DOCKER_HOST": address}))
        assert found.state == "silent", address
        assert found.said
