"""What `./inv status` says of main, the newest source's steps, releases and candidates."""

import json

import pytest

from releaser import status
from tests.releaser.toy import Stage, git

pytestmark = pytest.mark.slow


def test_status_shows_what_is_done_and_changes_nothing(packaged: Stage) -> None:
    keys, refs = packaged.objects(), packaged.refs()
    rows = status.steps(packaged.release)
    assert list(rows) == ["build", "upload", "bump", "commit", "package", "accept", "promote"]
    assert rows["commit"].startswith(refs[f"refs/heads/{packaged.release.branch}"][:12])
    assert (rows["accept"], rows["promote"]) == ("-", "-")
    assert (packaged.objects(), packaged.refs()) == (keys, refs)


def test_status_shows_why_a_step_cannot_be_looked_at(stage: Stage) -> None:
    stage.release.binary_path("linux/amd64").unlink()
    rows = status.steps(stage.release)
    assert rows["build"] == "-"
    assert rows["upload"] == "- (toy-linux-amd64 is not compiled yet)"


def test_document_of_a_candidate_says_how_far_it_is_and_changes_nothing(accepted: Stage) -> None:
    keys, refs = accepted.objects(), accepted.refs()
    found = status.document(accepted.world, accepted.here)
    assert json.loads(json.dumps(found)) == found
    assert found["main"] == {"branch": "main", "commit": refs["refs/heads/main"], "version": None}
    assert found["newest"]["version"] == "0.1.0"
    assert found["newest"]["steps"]["promote"] == "-"
    assert found["releases"] == []
    (one,) = found["candidates"]
    assert (one["source"], one["version"], one["state"], one["stays"]) == (
        accepted.release.short,
        "0.1.0",
        "accepted",
        "the newest source",
    )
    assert found["superseded"] == 0
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_accepted_candidates_that_main_left_behind_are_counted(accepted: Stage) -> None:
    accepted.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    found = status.document(accepted.world, accepted.here)
    assert found["superseded"] == 1
    assert found["newest"]["version"] == "0.1.1"


def test_release_is_shown_with_its_tag_and_whether_all_of_it_is_published(
    promoted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    found = status.document(promoted.world, promoted.here)
    assert (found["candidates"], found["superseded"]) == ([], 0)
    (one,) = found["releases"]
    assert (one["version"], one["tag"], one["published"], one["yanked"]) == ("0.1.0", "v0.1.0", True, False)
    promoted.delete(promoted.release.record_key)
    status.show(status.document(promoted.world, promoted.here))
    said = capsys.readouterr().out
    assert "TAGGED, NOT ALL PUBLISHED: ./inv release finishes it" in said


def test_long_lists_are_cut_for_people_and_whole_for_scripts(
    promoted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 13):
        words = f"Release: toy 1.0.{number}\nSource: {promoted.release.facts.source}"
        git(promoted.here, "commit", "--quiet", "--allow-empty", "-m", f"chore: release\n\n{words}")
        git(promoted.here, "push", "--quiet", str(promoted.remote), f"HEAD:refs/tags/v1.0.{number}")
    found = status.document(promoted.world, promoted.here)
    assert len(found["releases"]) == 13
    status.show(found)
    said = capsys.readouterr().out
    assert "Releases (10 of 13; --json has all)" in said
    assert said.index("1.0.12") < said.index("1.0.11")


def test_json_is_all_that_stands_on_standard_output(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (accepted.here / "sidecar_src/main.go").write_text("changed, and not committed")
    status.tell(accepted.world, accepted.here, as_json=True)
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert "Uncommitted changes" in captured.err
    (place,) = found["foundations"]
    assert (place["environment"], place["name"]) == ("embedded", "embedded")
    assert "127.0.0.1:1" in place["problem"]


def test_people_see_each_foundation_below_the_rest(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    status.tell(accepted.world, accepted.here, as_json=False)
    said = capsys.readouterr().out
    assert said.index("-----> Candidates") < said.index("-----> Foundation embedded, http://127.0.0.1:1")
