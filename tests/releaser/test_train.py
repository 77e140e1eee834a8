"""From a source commit to a published release, and what is said of one that is not released yet."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from releaser import acceptance, train
from releaser.errors import ConfigError, SourceError, SupersededError
from releaser.model import Facts, Release
from tests.releaser.toy import EPOCH, GO, VERSION, Stage, commit, git

pytestmark = pytest.mark.slow


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_facts_are_those_of_the_source_and_are_kept_as_train_json(stage: Stage) -> None:
    found = train.facts(stage.world, stage.here, None)
    assert found == stage.release.facts
    assert json.loads((stage.world.work / "train.json").read_text()) == {
        "name": "toy",
        "version": VERSION,
        "source": git(stage.here, "rev-parse", "HEAD"),
        "number": 1,
        "epoch": EPOCH,
    }


def test_facts_of_a_clone_without_files_are_the_same(promoted: Stage, tmp_path: Path) -> None:
    other = promoted.another(tmp_path / "elsewhere")
    assert train.facts(other.world, other.here, None) == promoted.release.facts


def test_uncommitted_changes_are_said_and_not_released(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (stage.here / "sidecar_src/main.go").write_text("broken")
    assert train.facts(stage.world, stage.here, None) == stage.release.facts
    assert "Uncommitted changes are not part of the release: sidecar_src/main.go" in capsys.readouterr().out


def test_step_takes_its_facts_from_train_json_and_computes_none(stage: Stage, tmp_path: Path) -> None:
    facts = replace(stage.release.facts, version="7.7.7")
    (tmp_path / "train.json").write_text(facts.to_json())
    before = stage.refs()
    train.run_step("build", stage.world, tmp_path / "no checkout", tmp_path / "train.json")
    assert replace(stage.release, facts=facts).binary_path("linux/amd64").exists()
    assert stage.refs() == before


def test_ready_json_does_for_train_json(packaged: Stage, tmp_path: Path) -> None:
    train.run_step("package", packaged.world, packaged.here, None, out=tmp_path / "out")
    (ready,) = (tmp_path / "out").rglob("ready.json")
    assert ready.parent.name == f"1-{packaged.release.short}"
    assert ready.read_bytes() == packaged.store.read(packaged.release.ready_key)
    other = packaged.another(tmp_path / "elsewhere")
    train.run_step("accept", other.world, tmp_path / "no checkout", ready)
    assert acceptance.passed(other.release) is not None


def test_promote_alone_finishes_what_a_killed_one_left(promoted: Stage, tmp_path: Path) -> None:
    promoted.delete(promoted.release.record_key)
    git(promoted.here, "pull", "--quiet", str(promoted.remote), "main")
    newer = promoted.push_main("fix: newer", {"sidecar_src/more.go": GO})
    facts = train.facts(promoted.world, promoted.here, None)
    assert facts.source == newer
    second = replace(promoted, release=Release(facts, promoted.world))
    second.upto("accept")
    (tmp_path / "train.json").write_text(facts.to_json())
    train.run_step("promote", promoted.world, promoted.here, tmp_path / "train.json")
    assert promoted.store.head(promoted.release.record_key)
    assert promoted.store.head(second.release.record_key)


def test_step_without_train_json_finds_the_facts_itself(stage: Stage) -> None:
    train.run_step("bump", stage.world, stage.here, None)
    assert (stage.release.source / "buildpack/VERSION").read_text() == "0.1.0\n"


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[]", "{}", '{"name": "toy"}', '{"name": "toy", "version": "1.0.0", "more": 1}'],
)
def test_train_json_that_is_none_is_refused(stage: Stage, tmp_path: Path, content: str) -> None:
    (tmp_path / "train.json").write_text(content)
    with pytest.raises(ConfigError, match=r"train\.json cannot be used") as caught:
        train.run_step("build", stage.world, stage.here, tmp_path / "train.json")
    assert "./inv plan" in caught.value.remedy


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 1),
        ("version", "v1.0.0"),
        ("version", "../../1.0.0"),
        ("source", "main"),
        ("number", "1"),
        ("epoch", None),
        ("name", "../toy"),
    ],
)
def test_train_json_with_a_value_that_cannot_be_is_refused(key: str, value: object) -> None:
    good = {"name": "toy", "version": "1.0.0", "source": "ab" * 20, "number": 1, "epoch": EPOCH}
    assert Facts.from_json(json.dumps(good)).version == "1.0.0"
    with pytest.raises(ConfigError, match=f"train.json cannot be used: .*{key}"):
        Facts.from_json(json.dumps({**good, key: value}))


def test_train_json_that_is_not_there_is_named(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json cannot be read: No such file") as caught:
        train.run_step("build", stage.world, stage.here, tmp_path / "nowhere.json")
    assert "./inv plan" in caught.value.remedy


# --- plan


def test_plan_says_what_would_happen_and_changes_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(stage.here, "feat: more", {"sidecar_src/more.go": GO})
    keys, refs, work = stage.objects(), stage.refs(), files(stage.world.work)
    train.show_plan(stage.world, stage.here, "3.0.0")
    said = capsys.readouterr().out
    for word in (
        "Would release toy 3.0.0 to embedded",
        git(stage.here, "rev-parse", "HEAD"),
        "buildpacks/toy/3.0.0/toy-linux-amd64-",
        "buildpack/.downloadurl",
        "chore: release toy 3.0.0",
        "candidate/",
        "rubyapp/git/cflinuxfs4",
        "v3.0.0",
        "toy_buildpack-cached-cflinuxfs4-v3.0.0.zip",
        "buildpacks/toy/3.0.0/release.json",
    ):
        assert word in said
    assert (stage.objects(), stage.refs(), files(stage.world.work)) == (keys, refs, work)


def test_plan_as_json_is_all_that_stands_on_standard_output(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (stage.here / "sidecar_src/main.go").write_text("changed, and not committed")
    train.show_plan(stage.world, stage.here, None, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["tagged"]) == (VERSION, False)
    assert found["source"] == stage.release.facts.source


def test_plan_of_a_released_source_says_that_there_is_nothing_to_do(
    promoted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    train.show_plan(promoted.world, promoted.here, None)
    assert capsys.readouterr().out == "Nothing to release: toy 0.1.0 is tagged already.\n"


# --- whole runs


@pytest.mark.train
def test_run_releases_the_newest_source_and_the_next_run_has_nothing_to_do(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    train.run(stage.world, stage.here, None)
    said = capsys.readouterr().out
    assert "Releasing toy 0.1.0 from" in said
    assert "./inv install" in said
    keys, refs = stage.objects(), stage.refs()
    train.run(stage.world, stage.here, None)
    assert "Nothing to release: toy 0.1.0 is the newest source" in capsys.readouterr().out
    assert (stage.objects(), stage.refs()) == (keys, refs)


def test_run_after_a_release_that_was_cut_short_finishes_it_first(
    promoted: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = promoted.objects()
    promoted.delete(promoted.release.record_key)
    other = promoted.another(tmp_path / "elsewhere")
    train.run(other.world, other.here, None)
    said = capsys.readouterr().out
    assert "Finishing toy 0.1.0: it is tagged, but not all of it is published" in said
    assert "Nothing to release" in said
    assert promoted.objects() == keys


@pytest.mark.train
def test_change_after_a_release_is_released_as_the_next_version(promoted: Stage) -> None:
    source = commit(promoted.here, "fix: it", {"sidecar_src/more.go": GO}, EPOCH + 9)
    train.run(promoted.world, promoted.here, None)
    refs = promoted.refs()
    assert refs["refs/heads/main"] == refs["refs/tags/v0.1.1"]
    assert git(promoted.remote, "log", "--format=%ct", "-1", "v0.1.1") == str(EPOCH + 9)
    assert git(promoted.remote, "log", "--first-parent", "--format=%s", "-2", "v0.1.1").splitlines() == [
        "chore: release toy 0.1.1",
        f"Merge {source[:12]}",
    ]
    changes = git(promoted.remote, "show", "v0.1.1:CHANGELOG.md")
    assert (
        changes.index("## 0.1.1")
        < changes.index("- it")
        < changes.index("## 0.1.0")
        < changes.index("- begin")
    )


def test_candidate_that_main_has_left_behind_is_superseded_and_main_stays(accepted: Stage) -> None:
    newer = accepted.push_main("fix: newer", {"sidecar_src/more.go": GO})
    with pytest.raises(SupersededError):
        accepted.do("promote")
    assert accepted.refs()["refs/heads/main"] == newer


def test_run_with_the_version_of_another_source_is_refused_before_anything_happens(promoted: Stage) -> None:
    commit(promoted.here, "fix: it", {"sidecar_src/more.go": GO})
    keys, refs = promoted.objects(), promoted.refs()
    with pytest.raises(SourceError, match=r"version 0\.1\.0 belongs to another source"):
        train.run(promoted.world, promoted.here, "0.1.0")
    assert promoted.objects() == keys
    assert {**promoted.refs(), "refs/heads/incoming": ""} == {**refs, "refs/heads/incoming": ""}
