"""Programs are run from argument lists, in a known environment, and their words are in errors."""

import errno
import os
import signal
from pathlib import Path

import pytest

from releaser.errors import GitError, TrainError
from releaser.tools import shell


def test_program_gets_its_arguments_as_they_are() -> None:
    odd = ["$HOME", "*", "a b", "'", ";", "ä"]
    assert shell.run(["printf", "%s\n", *odd]).stdout.decode().splitlines() == odd


def test_program_inherits_what_it_needs_of_the_host_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GOFLAGS", "GIT_DIR", "PYTHONPATH", "CF_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("https_proxy", "http://proxy.example.com")
    lines = shell.run(["env"], env={"OWN": "1"}).stdout.decode().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert found["OWN"] == "1"
    assert found["https_proxy"] == "http://proxy.example.com"
    assert found.keys() <= {*shell.KEPT, *shell.KEPT_PREFIXES, "OWN"}


def test_failed_program_is_named_with_its_code_and_its_own_words() -> None:
    with pytest.raises(GitError) as caught:
        shell.run(["sh", "-c", "echo out; echo why >&2; exit 7"], error=GitError, remedy="Mend it.")
    assert caught.value.message == "`sh -c echo out; echo why >&2; exit 7` ended with 7:\nwhy"
    assert caught.value.remedy == "Mend it."


def test_failed_program_that_speaks_on_standard_output_is_quoted_too() -> None:
    with pytest.raises(TrainError, match="ended with 1:\nwhy"):
        shell.run(["sh", "-c", "echo why; exit 1"])


def test_code_that_is_expected_is_no_error() -> None:
    assert shell.run(["sh", "-c", "exit 3"], ok=(0, 3)).returncode == 3


def test_program_that_is_not_there_is_named() -> None:
    with pytest.raises(GitError, match="the program 'no-such-program' is not there") as caught:
        shell.run(["no-such-program"], error=GitError)
    assert "./inv doctor" in caught.value.remedy


def test_folder_that_is_not_there_is_not_mistaken_for_the_program(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=f"there is no folder {tmp_path / 'nowhere'}"):
        shell.run(["true"], cwd=tmp_path / "nowhere")


def test_input_is_handed_over_and_without_one_there_is_none() -> None:
    assert shell.run(["cat"], stdin=b"words").stdout == b"words"
    assert shell.run(["cat"]).stdout == b""


def test_long_command_is_shortened_in_errors() -> None:
    with pytest.raises(TrainError) as caught:
        shell.run(["false", "x" * 5000])
    assert len(caught.value.message) < 300
    assert "…" in caught.value.message


def test_streamed_lines_come_one_by_one_from_both_streams_with_the_code(tmp_path: Path) -> None:
    lines: list[str] = []
    script = "pwd; echo err >&2; printf 'bad \\377\\n'; printf last; exit 4"
    assert shell.stream(["sh", "-c", script], lines.append, cwd=tmp_path) == 4
    assert lines == [str(tmp_path), "err", "bad \N{REPLACEMENT CHARACTER}", "last"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_passed_on_and_the_program_may_tidy_up_before_it_counts(number: signal.Signals) -> None:
    lines: list[str] = []
    script = f"trap 'echo tidied; exit 3' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"

    def told(text: str) -> None:
        lines.append(text)
        if text == "ready":
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        shell.stream(["sh", "-c", script], told)
    assert lines == ["ready", "tidied"]
    assert signal.getsignal(number) is before


def test_full_disk_that_a_program_meets_is_told_as_one_of_ours() -> None:
    with pytest.raises(OSError, match="No space left on device") as caught:
        shell.run(["sh", "-c", "echo fatal: write error: No space left on device >&2; exit 128"])
    assert caught.value.errno == errno.ENOSPC
