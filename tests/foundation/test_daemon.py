"""Processes that are not ours to wait for."""

import subprocess

import pytest

from foundation import daemon


def test_a_process_lives_until_it_is_ended_and_not_as_a_zombie() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    process = daemon.known(child.pid)
    assert daemon.alive(process)
    assert not daemon.wait(process, 0.01)
    daemon.end(process, 10)
    assert not daemon.alive(process)  # nobody has waited for it yet
    assert daemon.wait(process)
    assert daemon.known(child.pid) == process
    assert child.wait() == -15


def test_one_that_ignores_term_is_killed() -> None:
    with subprocess.Popen(["sh", "-c", "trap '' TERM; echo up; exec sleep 1000"], stdout=-1) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        daemon.end(daemon.known(child.pid), 0.2)
        assert child.wait() == -9


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    process = daemon.known(child.pid)
    earlier = daemon.Process(pid=process.pid, started=process.started - 1)
    assert not daemon.alive(earlier)
    daemon.end(earlier, 10)
    assert daemon.alive(process)
    child.kill()
    child.wait()
    with pytest.raises(ProcessLookupError):
        daemon.known(child.pid)
