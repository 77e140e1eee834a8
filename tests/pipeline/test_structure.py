"""The pipelines are whole: nothing lacks, nothing is left over, and a mistake of each kind would be seen."""

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.pipeline import files as given
from tests.pipeline import structure
from tests.pipeline.files import PIPELINES, ROOT
from tests.pipeline.mistakes import MISTAKES
from tests.pipeline.player import reading
from tests.pipeline.player.player import configure

FLY = shutil.which("fly")


def test_pipelines_are_whole() -> None:
    assert structure.problems(given.load()) == []


@pytest.mark.parametrize("path", PIPELINES)
@pytest.mark.parametrize("judge", ["the player", *([FLY] if FLY else [])])
def test_pipeline_can_be_set(path: str, judge: str) -> None:
    pipeline, settings = ROOT / path, ROOT / "sidecar.yml"
    ours = configure(pipeline.read_text(encoding="utf-8"), settings.read_text(encoding="utf-8"))
    if judge == "the player":
        return
    argv = [judge, "validate-pipeline", f"--config={pipeline}", f"--load-vars-from={settings}"]
    strict = subprocess.run([*argv, "--strict"], check=False, capture_output=True, text=True)
    assert strict.returncode == 0, strict.stdout + strict.stderr
    printed = subprocess.run([*argv, "--output"], check=True, capture_output=True, text=True).stdout
    assert _given(yaml.safe_load(printed)) == _given(ours)


def _given(node: Any) -> Any:
    """Return a pipeline without what is not set, as fly prints it."""
    if isinstance(node, dict):
        return {key: _given(one) for key, one in node.items() if one not in (None, False, [], {}, "")}
    return [_given(one) for one in node] if isinstance(node, list) else node


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_found(mistake: str) -> None:
    files = given.load()
    make, said = MISTAKES[mistake]
    make(files)
    assert [problem for problem in structure.problems(files) if said in problem]


def test_file_that_fly_reads_differently_is_none_of_ours() -> None:
    for path in [*(ROOT / "ci").glob("*.yml"), *(ROOT / "ci/tasks").glob("*.yml")]:
        assert reading.load(path.read_text(encoding="utf-8"))
