"""Root file systems on their way: which one a task takes, and what is said where there is none."""

from pathlib import Path

import pytest

from commands import rootfs
from releaser.errors import ConfigError


def test_newest_is_the_highest_number_that_holds_something(tmp_path: Path) -> None:
    for name, content in {"9": "old", "10": "new", "11": "", "x": "other"}.items():
        (tmp_path / f"rootfs-{name}.tar").write_text(content)
    (tmp_path / "rootfs-12.tar.new").write_text("half")
    assert rootfs.newest(tmp_path) == tmp_path / "rootfs-10.tar"


def test_empty_or_missing_folder_has_none(tmp_path: Path) -> None:
    (tmp_path / "rootfs-0.tar").touch()
    assert rootfs.newest(tmp_path) is None
    assert rootfs.newest(tmp_path / "nowhere") is None


def test_without_a_folder_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELEASE_ROOTFS", "")
    rootfs.bring()
    assert capsys.readouterr().out == ""


def test_nowhere_to_put_it_is_refused_with_both_ways() -> None:
    with pytest.raises(ConfigError, match="nowhere to put") as caught:
        rootfs.keep("", "")
    assert "--save FILE" in caught.value.remedy
    assert "--upload production" in caught.value.remedy


def test_environment_that_cannot_be_used_is_refused_before_anything_is_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no environment 'nowhere'"):
        rootfs.keep(str(tmp_path / "rootfs.tar"), "nowhere")
    assert list(tmp_path.iterdir()) == []
