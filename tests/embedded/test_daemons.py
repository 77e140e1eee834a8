"""Daemons: started once, adopted, replaced when they differ, found without a note, told when they fail."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from embedded import daemons
from embedded.daemons import MARK, Daemon, Keeper
from embedded.errors import EmbeddedError

CLONE = f"test-{os.getpid()}"
SLEEPS = "import time, pathlib, sys; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


def sleeper(folder: Path, name: str = "sleeper", **changes: str) -> Daemon:
    """Return a daemon that touches a file and sleeps."""
    return Daemon(name=name, argv=[sys.executable, "-c", SLEEPS, str(folder / f"{name}.up")], **changes)  # type: ignore[arg-type]


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    """A keeper whose daemons end with the test."""
    made = Keeper(folder=tmp_path / "daemons", clone=CLONE)
    yield made
    for name in made.names():
        made.stop(name)
    made.stop_strays()


def start(keeper: Keeper, daemon: Daemon, folder: Path) -> int:
    """Start a daemon and return its process id."""
    up = folder / f"{daemon.name}.up"
    up.unlink(missing_ok=True)
    keeper.start(daemon, up.exists, 30)
    return int(keeper._note(daemon.name)["pid"])


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process brings about."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_daemon_that_runs_just_so_is_adopted(keeper: Keeper, tmp_path: Path) -> None:
    pid = start(keeper, sleeper(tmp_path), tmp_path)
    assert keeper.adopt(sleeper(tmp_path))
    assert Keeper(folder=keeper.folder, clone=CLONE).adopt(sleeper(tmp_path)), "by another command too"
    assert psutil.pid_exists(pid)


def test_daemon_whose_code_changed_is_stopped_to_be_started_again(keeper: Keeper, tmp_path: Path) -> None:
    start(keeper, sleeper(tmp_path), tmp_path)
    assert not keeper.adopt(sleeper(tmp_path, code="new"))
    assert not keeper.running("sleeper")


def test_daemon_that_was_killed_is_not_taken_for_one_that_runs(keeper: Keeper, tmp_path: Path) -> None:
    pid = start(keeper, sleeper(tmp_path), tmp_path)
    psutil.Process(pid).kill()
    until(lambda: not keeper.running("sleeper"))
    assert not keeper.adopt(sleeper(tmp_path))


def test_another_process_under_a_noted_number_is_neither_adopted_nor_ended(
    keeper: Keeper, tmp_path: Path
) -> None:
    start(keeper, sleeper(tmp_path), tmp_path)
    path = keeper.folder / "sleeper.json"
    noted = path.read_text()
    keeper.stop("sleeper")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        pid = str(other.pid)
        path.write_text(noted.replace(noted.split('"pid": ')[1].split(",")[0], pid))
        assert not keeper.running("sleeper")
        assert not keeper.stop("sleeper")
        assert other.poll() is None
        other.kill()


def test_daemon_without_a_note_is_found_by_its_mark_and_ended(keeper: Keeper, tmp_path: Path) -> None:
    noted = start(keeper, sleeper(tmp_path, "noted"), tmp_path)
    lost = start(keeper, sleeper(tmp_path, "lost"), tmp_path)
    (keeper.folder / "lost.json").unlink()
    (said,) = keeper.stop_strays()
    assert str(lost) in said
    until(lambda: not psutil.pid_exists(lost) or psutil.Process(lost).status() == psutil.STATUS_ZOMBIE)
    assert keeper.running("noted"), noted


def test_daemon_of_another_clone_is_no_stray(keeper: Keeper, tmp_path: Path) -> None:
    other = Keeper(folder=tmp_path / "other", clone=f"{CLONE}-other")
    start(other, sleeper(tmp_path), tmp_path)
    assert keeper.stop_strays() == []
    assert other.running("sleeper")
    other.stop("sleeper")


def test_child_of_a_daemon_that_leads_a_session_is_no_stray(keeper: Keeper, tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time, pathlib\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    up = tmp_path / "parent.up"
    keeper.start(Daemon(name="parent", argv=[sys.executable, "-c", script, str(up)]), up.exists, 30)
    parent = psutil.Process(int(keeper._note("parent")["pid"]))
    (child,) = parent.children()
    assert child.environ()[MARK] == CLONE
    assert keeper.stop_strays() == []
    keeper.stop("parent")
    assert [str(child.pid) in said for said in keeper.stop_strays()] == [True], "an orphan is one"


def test_daemon_that_ends_at_once_is_told_with_its_last_words(keeper: Keeper) -> None:
    broken = Daemon(name="broken", argv=[sys.executable, "-c", "import sys; sys.exit('the port is taken')"])
    with pytest.raises(EmbeddedError) as caught:
        keeper.start(broken, lambda: False, 30)
    assert "the embedded broken ended with 1" in caught.value.message
    assert "the port is taken" in caught.value.message


def test_daemon_that_never_gets_ready_is_ended_and_told(keeper: Keeper, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="is not ready after"):
        keeper.start(sleeper(tmp_path), lambda: False, 0.5)
    assert not keeper.running("sleeper")


def test_daemon_inherits_no_descriptor_and_no_setting_of_the_host(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    pid = start(keeper, sleeper(tmp_path), tmp_path)
    process = psutil.Process(pid)
    opened = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    assert not any(path.startswith("pipe:") for path in opened), opened
    assert os.getsid(pid) == pid
    assert "AWS_PROFILE" not in process.environ()
    os.close(reading)
    os.close(writing)


BURIES_NOBODY = """
import subprocess, sys, time

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.timeout(60)
def test_daemon_that_has_ended_and_that_nobody_has_buried_is_not_waited_for() -> None:
    argv = [sys.executable, "-c", BURIES_NOBODY]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout
            child = psutil.Process(int(parent.stdout.readline()))
            daemons._end([child], 3600)
            assert child.status() == psutil.STATUS_ZOMBIE
        finally:
            parent.kill()
