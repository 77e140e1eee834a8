"""The bootstrap script: what it makes, when it makes it anew, and how it starts from anywhere."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TOOLS = ("awk", "cat", "chmod", "cmp", "cp", "dirname", "env", "flock", "id", "mkdir", "mv", "readlink", "rm")
LOCK = "other==1 \\\n    --hash=sha256:00\nuv==2 \\\n    --hash=sha256:11\nzlib==3 \\\n    --hash=sha256:22\n"

# Stands for Python, pip and uv: logs its call, and makes what they would make.
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >>"{root}/calls"
install() {{ mkdir -p "$(dirname "$1")" && cp "$0" "$1"; }}
case "$(basename "$0") $*" in
  *"-c import ensurepip"*) exit {venv} ;;
  *version_info*) echo {version}; exit {old} ;;
  "uv venv"*) for last; do :; done; install "$last/bin/python" ;;
  "uv pip sync"*) [ ! -e "{root}/die" ] || kill -9 0 ;;
  *"-m venv"*) install "$3/bin/python" ;;
  *"-m pip"*) install "$(dirname "$0")/uv" ;;
  *"-m invoke"*) echo "in $PWD"; ls -l /proc/self/fd >"{root}/files" ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the bootstrap with a lock file, and a PATH on which only a stand-in for Python is."""

    root: Path  # of all
    folder: Path  # of the copy

    @property
    def env(self) -> Path:
        return self.folder / ".local" / "env"

    def add_python(self, name: str = "python3", *, version: str = "3.12.1", venv: int = 0) -> None:
        old = int(tuple(map(int, version.split("."))) < (3, 11))
        script = self.root / "bin" / name
        script.write_text(PROGRAM.format(root=self.root, version=version, old=old, venv=venv))
        script.chmod(0o755)

    def start(
        self, *words: str, by: Sequence[str | Path] = (), cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Start the copy, in a process group of its own."""
        return subprocess.run(
            [*(by or [self.folder / "inv"]), *words],
            cwd=cwd or self.root,
            env={"PATH": str(self.root / "bin"), **environment},
            input="typed\n",
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )

    def calls(self) -> list[str]:
        """Return what was run since this was asked last."""
        log = self.root / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    made = Copy(root=tmp_path, folder=tmp_path / "a copy")
    made.folder.mkdir()
    shutil.copy(CHECKOUT / "inv", made.folder)
    (made.folder / "requirements.lock").write_text(LOCK)
    (tmp_path / "bin").mkdir()
    for tool in (*TOOLS, "basename", "ls", "sh"):
        found = shutil.which(tool)
        assert found is not None, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    made.add_python()
    return made


def test_the_script_passes_shellcheck() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, CHECKOUT / "inv"], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_a_first_start_makes_the_environment_and_a_second_runs_only_invoke(copy: Copy) -> None:
    first = copy.start("--list")
    assert (first.returncode, first.stdout) == (0, f"in {copy.folder}\n"), first.stderr
    making = "\n".join(copy.calls())
    for call in ("-m venv", "-m pip install", "uv venv", "uv pip sync", "python -m invoke --list"):
        assert call in making
    second = copy.start("release", "--plan")
    assert (second.returncode, second.stdout, second.stderr) == (0, f"in {copy.folder}\n", "")
    assert copy.calls() == ["python -m invoke release --plan"]


def test_pip_is_given_uv_and_its_hashes_alone(copy: Copy) -> None:
    copy.start()
    assert (copy.folder / ".local/uv/uv.lock").read_text() == "uv==2 \\\n    --hash=sha256:11\n"
    assert any("--require-hashes" in call for call in copy.calls() if "-m pip" in call)


def test_invoke_does_not_inherit_the_lock(copy: Copy) -> None:
    copy.start()
    assert copy.calls()[-1].startswith("python -m invoke")
    assert "env.lock" not in (copy.root / "files").read_text()


def test_it_starts_through_symlinks_from_any_folder_and_by_a_relative_path(copy: Copy) -> None:
    elsewhere = copy.root / "else where"
    elsewhere.mkdir()
    (elsewhere / "one").symlink_to(copy.folder / "inv")
    (elsewhere / "two").symlink_to("one")
    ways: list[Sequence[str | Path]] = [[elsewhere / "two"], ["./one"], ["../a copy/inv"], ["sh", "two"]]
    for way in ways:
        done = copy.start(by=way, cwd=elsewhere, CDPATH=str(copy.root))
        assert (done.returncode, done.stdout) == (0, f"in {copy.folder}\n"), (way, done.stderr)


def test_invokes_words_and_exit_code_are_handed_through(copy: Copy) -> None:
    copy.start()
    copy.calls()
    (copy.env / "bin" / "python").write_text('#!/bin/sh\nfor each; do echo "<$each>"; done\nexit 7\n')
    done = copy.start("release", "a b", "*")
    assert (done.returncode, done.stdout.split("\n")[2:5]) == (7, ["<release>", "<a b>", "<*>"])


def test_the_users_python_settings_do_not_reach_it(copy: Copy) -> None:
    copy.start()
    (copy.env / "bin" / "python").write_text('#!/bin/sh\necho "${PYTHONPATH-none} ${PYTHONHOME-none}"\n')
    assert copy.start(PYTHONPATH="/x", PYTHONHOME="/y").stdout == "none none\n"


def test_a_changed_lock_is_synchronised_into_the_same_environment(copy: Copy) -> None:
    copy.start()
    copy.calls()
    (copy.env / "kept").touch()
    (copy.folder / "requirements.lock").write_text(LOCK.replace("other==1", "other==2"))
    assert copy.start().returncode == 0
    calls = copy.calls()
    assert any("uv pip sync" in call for call in calls)
    assert not any("venv" in call.split(" -c ")[0] for call in calls)
    assert (copy.env / "kept").exists()
    copy.start()
    assert copy.calls() == ["python -m invoke"]


@pytest.mark.parametrize("lock", ["first", "changed"])
def test_one_that_was_killed_in_the_middle_is_made_anew(copy: Copy, lock: str) -> None:
    if lock == "changed":
        copy.start()
        (copy.folder / "requirements.lock").write_text(LOCK.replace("other==1", "other==2"))
    (copy.root / "die").touch()
    assert copy.start().returncode == -signal.SIGKILL
    assert (copy.env / "bin" / "python").exists()
    (copy.env / "half").touch()
    (copy.root / "die").unlink()
    copy.calls()
    assert copy.start().returncode == 0
    assert any("uv venv" in call for call in copy.calls())
    assert not (copy.env / "half").exists()


def test_one_whose_python_has_gone_is_made_anew(copy: Copy) -> None:
    copy.start()
    python = copy.env / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert copy.start().returncode == 0
    assert not python.is_symlink()


@pytest.mark.parametrize(("version", "said"), [("3.9.2", "python3 is 3.9.2"), ("", "python3 is not there")])
def test_without_a_new_python_it_says_what_it_found(copy: Copy, version: str, said: str) -> None:
    (copy.root / "bin" / "python3").unlink()
    if version:
        copy.add_python(version=version)
    done = copy.start()
    assert done.returncode == 1
    assert f"Error: no Python 3.11 or newer: {said}, python3.13 is not there" in done.stderr
    assert "PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_newer_python_beside_an_old_one_is_found(copy: Copy) -> None:
    copy.add_python(version="3.9.2")
    copy.add_python("python3.12")
    assert copy.start().returncode == 0
    assert any(call.startswith("python3.12 -m venv") for call in copy.calls())


def test_a_python_that_was_named_is_the_only_one_tried(copy: Copy) -> None:
    done = copy.start(PYTHON="/nowhere/my python")
    assert "no Python 3.11 or newer: /nowhere/my python is not there\n" in done.stderr
    (copy.root / "bin" / "python3").rename(copy.root / "my python")
    assert copy.start(PYTHON=str(copy.root / "my python")).returncode == 0


@pytest.mark.parametrize("sudo", ["yes", "no"])
def test_a_missing_venv_module_is_installed_where_we_may(copy: Copy, sudo: str) -> None:
    copy.add_python(venv=1)
    bin_ = copy.root / "bin"
    (bin_ / "id").unlink()
    mend = f"rm '{bin_}/python3'; cp '{copy.root}/whole' '{bin_}/python3'"
    scripts = {
        "id": "echo 1000",
        "sudo": 'shift; [ "$1" = true ] || "$@"' if sudo == "yes" else "exit 1",
        "apt-get": f'{{ echo "apt-get $*"; cat; }} >>"{copy.root}/calls"; [ "$1" = update ] || {{ {mend}; }}',
    }
    for name, body in scripts.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)
    (bin_ / "python3").rename(copy.root / "broken")
    copy.add_python()
    (bin_ / "python3").rename(copy.root / "whole")
    (copy.root / "broken").rename(bin_ / "python3")
    done = copy.start()
    calls = copy.calls()
    asked = [call for call in calls if call.startswith("apt-get")]
    assert "typed" not in calls  # what the user types is not for apt-get
    if sudo == "yes":
        assert done.returncode == 0, done.stderr
        assert asked[-1] == "apt-get install -y -qq --no-install-recommends python3-venv"
        assert (copy.folder / ".local/host/packages").read_text() == "python3-venv\n"
    else:
        assert (done.returncode, asked) == (1, [])
        assert "python3 has no working venv module\n       Debian, Ubuntu: sudo apt-get" in done.stderr


@pytest.mark.train
def test_two_real_starts_at_once_both_succeed_and_the_checkout_can_move(tmp_path: Path) -> None:
    folder, moved = tmp_path / "a copy", tmp_path / "moved"
    folder.mkdir()
    for name in ("inv", "requirements.lock"):
        shutil.copy(CHECKOUT / name, folder)
    argv = [str(folder / "inv"), "--version"]
    starts = [subprocess.Popen(argv, stdout=-1, stderr=-1, text=True, cwd="/") for _ in range(2)]
    ended = [(*start.communicate(), start.returncode) for start in starts]
    assert [(out.startswith("Invoke "), code) for out, _, code in ended] == [(True, 0)] * 2, ended
    assert sum("Making the environment" in err for _, err, _ in ended) == 1
    folder.rename(moved)
    again = subprocess.run([moved / "inv", "--version"], capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == (ended[0][0], "")
    script = moved / ".local/env/bin/pytest"  # written in Python, with the interpreter's path in it
    assert subprocess.run([script, "--version"], check=False, env=os.environ).returncode == 0
