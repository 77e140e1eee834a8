"""The runner looks, acts, and looks again; and who knows one verb knows all."""

import inspect
from pathlib import Path
from types import ModuleType

import pytest

import tasks
from releaser import runner
from releaser.errors import EvidenceError
from releaser.model import Release
from tests.releaser.toy import Stage

HERE = Path(__file__).parent


def step(**functions: object) -> ModuleType:
    """Return a step module of a test's own, whose evidence is a file in the release's folder."""
    module = ModuleType("releaser.steps.try_it")
    module.__doc__ = "Trying it.\n\nMore words."
    defaults = {"skip": lambda _: None, "find": found, "run": touch}
    for name, function in {**defaults, **functions}.items():
        setattr(module, name, function)
    return module


def found(release: Release) -> str | None:
    return "a file" if (release.folder / "evidence").exists() else None


def touch(release: Release) -> None:
    (release.folder / "evidence").touch()


def never(_: Release) -> None:
    pytest.fail("this must not be called")


def test_step_with_a_reason_to_skip_is_not_run(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    runner.run(step(skip=lambda _: "not today", find=never, run=never), stage.release)
    assert capsys.readouterr().out == "-----> Trying it\n       skipped: not today\n"


def test_step_whose_evidence_is_there_is_not_run(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    touch(stage.release)
    runner.run(step(run=never), stage.release)
    assert capsys.readouterr().out == "-----> Trying it\n       already done: a file\n"


def test_step_without_evidence_is_run_and_its_evidence_shown(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.run(step(), stage.release)
    assert capsys.readouterr().out == "-----> Trying it\n       a file\n"


def test_step_that_ran_without_leaving_evidence_is_an_error(stage: Stage) -> None:
    with pytest.raises(
        EvidenceError, match="`try_it` ended without an error, but nothing shows that it is done"
    ):
        runner.run(step(run=lambda _: None), stage.release)


def test_evidence_that_vanishes_between_two_looks_is_an_error(stage: Stage) -> None:
    def lose(release: Release) -> None:
        touch(release)
        (release.folder / "evidence").unlink()

    with pytest.raises(EvidenceError):
        runner.run(step(run=lose), stage.release)


def test_verbs_are_these_seven_in_this_order() -> None:
    verbs = ["build", "upload", "bump", "commit", "package", "accept", "promote"]
    assert [runner.verb(one) for one in runner.STEPS] == verbs
    assert sorted(
        path.stem for path in Path(inspect.getfile(runner)).parent.glob("steps/[!_]*.py")
    ) == sorted(verbs)


@pytest.mark.parametrize("module", runner.STEPS, ids=runner.verb)
def test_verb_has_step_task_and_test_file(module: ModuleType) -> None:
    verb = runner.verb(module)
    assert runner.find_step(verb) is module
    for name in ("skip", "find", "run"):
        function = getattr(module, name)
        assert next(iter(inspect.signature(function).parameters.values())).annotation is Release
        assert inspect.getdoc(function)
    title = runner.title(module)
    assert title[0].isupper()
    assert not title.endswith(".")
    task = tasks.namespace.tasks[verb]
    number = runner.STEPS.index(module) + 1
    assert (task.__doc__ or "").startswith(f"Step {number}: ")
    assert {"env", "train"} <= set(inspect.signature(task.body).parameters)
    tests = (HERE / f"test_step_{verb}.py").read_text(encoding="utf-8")
    assert f"from releaser.steps import {verb}\n" in tests
    assert tests.startswith(f'"""Step {number}: ')


def test_unit_tests_of_steps_are_of_these_verbs_only() -> None:
    named = {path.stem.removeprefix("test_step_") for path in HERE.glob("test_step_*.py")}
    assert named == {runner.verb(one) for one in runner.STEPS}
