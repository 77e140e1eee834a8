"""Step 3: the pins hold exactly the expected text."""

import shutil

import pytest

from releaser import pins
from releaser.errors import SourceError
from releaser.steps import bump
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow


def test_bumped_source_holds_every_pin_and_bumping_again_is_a_no_op(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bump.find(stage.release) is None
    stage.do("bump")
    for path, content in pins.of(stage.release).items():
        assert (stage.release.source / path).read_bytes() == content
    stage.do("bump")
    assert "already done: buildpack/.downloadurl" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["buildpack/.downloadurl", "buildpack/manifest.yml", "CHANGELOG.md"])
def test_pin_that_was_changed_or_lost_is_written_again(stage: Stage, path: str) -> None:
    stage.do("bump")
    expected = (stage.release.source / path).read_bytes()
    (stage.release.source / path).write_bytes(expected + b"\n")
    assert bump.find(stage.release) is None
    stage.do("bump")
    (stage.release.source / path).unlink()
    stage.do("bump")
    assert (stage.release.source / path).read_bytes() == expected


def test_source_that_was_lost_is_there_again(stage: Stage) -> None:
    stage.do("bump")
    expected = dict(pins.of(stage.release))
    shutil.rmtree(stage.release.source)
    stage.do("bump")
    assert dict(pins.of(stage.release)) == expected
    assert (stage.release.source / "buildpack/bin/supply").exists()


def test_bump_before_build_says_what_to_run(stage: Stage) -> None:
    stage.release.binary_path("linux/amd64").unlink()
    with pytest.raises(SourceError, match="not compiled yet"):
        stage.do("bump")
