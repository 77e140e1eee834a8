"""The build of the Go programs, and how programs are run."""

import subprocess
import threading
from pathlib import Path

import pytest

from foundation import programs
from foundation.failures import ProgramError
from tests.foundation.engine_fixtures import LOCAL

pytestmark = pytest.mark.slow


def test_all_programs_are_static_and_a_second_build_does_nothing(go: Path, tmp_path: Path) -> None:
    out = programs.build(go, tmp_path / "out", cache=LOCAL / "cache")
    for name in programs.NAMES:
        assert (out / name).stat().st_mode & 0o777 == 0o755
        said = subprocess.run(["file", out / name], capture_output=True, text=True, check=True).stdout
        assert "statically linked" in said
    before = {path.name: path.stat().st_ino for path in out.iterdir()}
    assert set(before) == {*programs.NAMES, programs.STAMP}
    programs.build(go, out, cache=LOCAL / "cache")
    assert {path.name: path.stat().st_ino for path in out.iterdir()} == before


def test_a_missing_program_or_another_digest_is_built_again(go: Path, tmp_path: Path) -> None:
    out = programs.build(go, tmp_path / "out", cache=LOCAL / "cache")
    (out / "router").unlink()
    programs.build(go, out, cache=LOCAL / "cache")
    before = (out / "router").stat().st_ino
    (out / programs.STAMP).write_text("of other sources")
    programs.build(go, out, cache=LOCAL / "cache")
    assert (out / "router").stat().st_ino != before


def test_two_builds_at_once_both_end_with_all_programs(go: Path, tmp_path: Path) -> None:
    threads = [
        threading.Thread(
            target=programs.build, args=(go, tmp_path / "out"), kwargs={"cache": LOCAL / "cache"}
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*programs.NAMES, programs.STAMP}


def test_a_module_that_cannot_be_downloaded_is_an_error_that_says_what_to_do(
    go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(ProgramError, match="module lookup disabled by GOPROXY=off") as raised:
        programs.build(go, tmp_path / "out", cache=tmp_path / "cache")
    assert "GOPROXY" in raised.value.remedy
    assert list((tmp_path / "out").iterdir()) == []


def test_a_go_that_is_not_there_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="'/no/go' cannot be run: No such file or directory"):
        programs.build(Path("/no/go"), tmp_path / "out")


def test_programs_run_without_the_hosts_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    said = programs.output(["env"], env={"GIVEN": "1"})
    assert "GIVEN=1" in said
    assert "GOFLAGS" not in said
    assert "secret" not in said
