"""Installing and starting an engine: what is run, what is said, what is refused."""

import os
import threading
from pathlib import Path

import pytest

from host import engine
from host.errors import HostError
from host.machine import Machine
from tests.host.machines import Scripts, answering


def ensure(scripts: Scripts, machine: Machine) -> None:
    engine.ensure(scripts.said.append, folder=scripts.folder, machine=machine)


def refused(scripts: Scripts, machine: Machine) -> HostError:
    with pytest.raises(HostError) as caught:
        ensure(scripts, machine)
    return caught.value


def test_an_engine_that_answers_is_used_as_it_is(scripts: Scripts) -> None:
    scripts.add("apt-get")
    scripts.add("dockerd")
    with answering(scripts.socket):
        ensure(scripts, scripts.machine())
    assert (scripts.calls(), scripts.said) == ([], [])
    assert list(scripts.folder.iterdir()) == []


def test_an_engine_is_installed_and_started_where_there_is_none(scripts: Scripts) -> None:
    made = scripts.add_dockerd("not-yet")
    install = f"echo 'Setting up docker.io (1) ...'; /bin/mv {made} {scripts.bin}/dockerd"
    scripts.add("apt-get", f'[ "$1" = update ] || {{ {install}; }}')
    ensure(scripts, scripts.machine())
    assert scripts.calls() == [
        "apt-get update -q",
        "apt-get install -y -q --no-install-recommends -oDPkg::Lock::Timeout=120 docker.io",
    ]
    assert scripts.said == [
        f"No Docker engine answers at unix://{scripts.socket}: No such file or directory",
        "Installing docker.io (apt-get)",
        "Setting up docker.io (1) ...",
        f"Starting the Docker engine (dockerd, output in {scripts.folder}/dockerd.log)",
    ]
    pid = (scripts.root / "dockerd.pid").read_text()
    assert engine.noted(scripts.folder) == f"kill {pid}"


def test_a_daemon_gets_nothing_of_ours_but_its_log(scripts: Scripts) -> None:
    scripts.add_dockerd()
    machine = scripts.machine()
    secret = {**machine.environment, "AWS_SECRET_ACCESS_KEY": "secret", "https_proxy": "http://proxy"}
    secret["DOCKERD_POOL"] = "for the task image's start script"
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    ensure(scripts, scripts.machine(environment=secret))
    os.close(reader)
    os.close(writer)
    log = scripts.folder / "dockerd.log"
    assert log.read_text().splitlines() == [
        "arguments session True folder /",
        f"files /dev/null {log} {log}",
        "more",
        "names DOCKERD_POOL HOME LC_ALL PATH https_proxy",
    ]


def test_without_root_sudo_starts_it_for_our_group(scripts: Scripts) -> None:
    scripts.add_dockerd()
    scripts.add_sudo()
    ensure(scripts, scripts.machine(uid=1000, gid=1234))
    assert scripts.calls() == ["sudo -n true", "sudo -n dockerd --group 1234"]
    assert "arguments --group 1234" in (scripts.folder / "dockerd.log").read_text()
    assert engine.noted(scripts.folder).startswith("sudo kill ")


def test_systemd_starts_it_where_it_runs(scripts: Scripts) -> None:
    made = scripts.add_dockerd()
    scripts.add("systemctl", f"{made} >/dev/null 2>&1 &")
    ensure(scripts, scripts.machine(systemd=True))
    assert scripts.calls() == ["systemctl start docker"]
    assert engine.noted(scripts.folder) == "sudo systemctl stop docker docker.socket"


def test_a_unit_that_fails_shows_its_journal(scripts: Scripts) -> None:
    scripts.add("dockerd")
    scripts.add("systemctl", "echo Job failed.; exit 1")
    scripts.add("journalctl", "echo no iptables here")
    error = refused(scripts, scripts.machine(systemd=True))
    assert error.message.splitlines()[1:] == ["Job failed.", "no iptables here"]


def test_a_daemon_that_ends_says_why_and_is_not_noted(scripts: Scripts) -> None:
    scripts.add(
        "dockerd", "echo info; echo 'failed to start daemon: iptables: Permission denied' >&2; exit 1"
    )
    error = refused(scripts, scripts.machine())
    assert error.message.splitlines() == [
        "The Docker engine was started, but ended. Its last words:",
        "info",
        "failed to start daemon: iptables: Permission denied",
    ]
    assert "DOCKER_HOST" in error.remedy
    assert not (scripts.folder / engine.NOTE).exists()


def test_a_daemon_that_never_answers_is_ended(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_S", 0.5)
    scripts.add("dockerd", f"echo $$ >{scripts.root}/silent.pid; echo waiting; exec /bin/sleep 30")
    error = refused(scripts, scripts.machine())
    assert error.message.splitlines() == [
        "The Docker engine was started, but does not answer after 0.5 s. Its last words:",
        "waiting",
    ]
    pid = int((scripts.root / "silent.pid").read_text())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -15


def test_where_another_runs_daemon_was_first_that_one_is_waited_for(scripts: Scripts) -> None:
    number = scripts.root / "number"
    os.mkfifo(number)
    scripts.add("dockerd", f"echo 'process with PID 7 is still running'; echo $$ >{number}; exit 1")
    done = threading.Event()

    def other() -> None:
        ours = Path("/proc", number.read_text().strip())
        while ours.exists() and not done.wait(0.01):
            continue
        with answering(scripts.socket):
            done.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        ensure(scripts, scripts.machine())
    finally:
        done.set()
        thread.join()


def test_an_engine_that_the_user_chose_is_not_started(scripts: Scripts) -> None:
    scripts.add("dockerd")
    address = f"unix://{scripts.root}/chosen.sock"
    environment = {**scripts.machine().environment, "DOCKER_HOST": address}
    error = refused(scripts, scripts.machine(environment=environment))
    assert error.message == f"No Docker engine answers at {address}: No such file or directory"
    assert "DOCKER_HOST" in error.remedy
    assert scripts.calls() == []


def test_without_root_and_sudo_the_one_command_is_named(scripts: Scripts) -> None:
    scripts.add("apt-get")
    scripts.add("sudo", "exit 1")
    error = refused(scripts, scripts.machine(uid=1000))
    assert error.remedy == (
        "Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends docker.io"
    )
    assert scripts.calls() == ["sudo -n true"]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        (
            {"families": frozenset({"fedora"})},
            "Install Docker Engine: https://docs.docker.com/engine/install/",
        ),
        ({"system": "Darwin", "families": frozenset()}, "runs on Linux only, not on Darwin"),
    ],
)
def test_on_other_systems_nothing_is_installed(
    scripts: Scripts, changes: dict[str, object], remedy: str
) -> None:
    scripts.add("apt-get")
    assert remedy in refused(scripts, scripts.machine(**changes)).remedy
    assert scripts.calls() == []


def test_an_engine_of_another_system_is_started_by_its_user(scripts: Scripts) -> None:
    scripts.add("dockerd")
    error = refused(scripts, scripts.machine(families=frozenset({"fedora"}), systemd=True, uid=1000))
    assert error.remedy == "Run: sudo systemctl start docker"


def test_an_engine_that_has_ended_is_not_noted_any_more(scripts: Scripts) -> None:
    note = '{"pid": %d, "stop": "kill it"}'
    (scripts.folder / engine.NOTE).write_text(note % os.getpid())  # alive, but no engine
    assert engine.noted(scripts.folder) == ""
    assert engine.noted(Path("/nowhere")) == ""
