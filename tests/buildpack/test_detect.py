"""bin/detect: a supply buildpack never wins detection, whatever the app is."""

import subprocess
from pathlib import Path

import pytest

from tests.buildpack.staging_area import SCRIPTS


@pytest.mark.parametrize("name", ["Gemfile", "config-server", "package.json"])
def test_detect_never_wins_and_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    done = subprocess.run([SCRIPTS / "detect", tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "never detected" in done.stderr
