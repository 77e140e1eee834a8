"""What a failed job leaves: logs beside the candidate's zips, and a few words to a webhook."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from releaser import failure
from releaser.config import with_sections
from releaser.errors import TrainError
from tests.releaser.toy import GO, Stage
from tests.releaser.web import Answer, serve

pytestmark = pytest.mark.slow


@pytest.fixture
def train(packaged: Stage, tmp_path: Path) -> Path:
    """The facts of a release whose acceptance left logs."""
    for name in ("logs/app.log", "diagnostics/rubyapp/staging.log", "report.json"):
        path = packaged.release.folder / "acceptance" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} says why\n")
    path = tmp_path / "train.json"
    path.write_text(packaged.release.facts.to_json())
    return path


def kept(stage: Stage) -> list[str]:
    return [key for key in stage.objects() if "/failed-" in key]


def test_logs_of_a_failed_acceptance_are_kept_beside_the_zips(packaged: Stage, train: Path) -> None:
    refs = packaged.refs()
    failure.tell(packaged.world, train, "accept", "")
    (key,) = kept(packaged)
    assert key.startswith(f"{packaged.release.candidate_prefix}/failed-embedded-")
    content = packaged.store.read(key)
    assert content is not None
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = {one.name for one in archive.getmembers() if one.isfile()}
        log = archive.extractfile("diagnostics/rubyapp/staging.log")
        assert log is not None
        assert b"says why" in log.read()
    assert names == {"logs/app.log", "diagnostics/rubyapp/staging.log", "report.json"}
    assert packaged.refs() == refs


def test_webhook_gets_what_failed_and_where_the_logs_are(packaged: Stage, train: Path) -> None:
    with serve(lambda _: Answer()) as server:
        failure.tell(packaged.world, train, "accept", f"{server.url}/hook")
    (asked,) = server.asked
    body = json.loads(asked.body)
    (key,) = kept(packaged)
    assert asked.method == "POST"
    assert body["text"] == f"toy 0.1.0: accept failed; logs: {key}"
    assert (body["name"], body["version"], body["job"], body["logs"]) == ("toy", "0.1.0", "accept", key)


def test_job_that_failed_before_there_were_facts_is_told_without_logs(
    packaged: Stage, tmp_path: Path
) -> None:
    with serve(lambda _: Answer()) as server:
        failure.tell(packaged.world, tmp_path / "missing.json", "candidate", server.url)
    assert json.loads(server.asked[0].body)["text"] == "toy: candidate failed"
    assert kept(packaged) == []


def test_job_without_logs_keeps_nothing(packaged: Stage, tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text(packaged.release.facts.to_json())
    failure.tell(packaged.world, path, "promote", "")
    assert kept(packaged) == []


@pytest.mark.parametrize("status", [0, 500])
def test_webhook_that_fails_is_said_without_its_address(packaged: Stage, train: Path, status: int) -> None:
    with serve(lambda _: Answer(status=status)) as server, pytest.raises(TrainError) as caught:
        failure.tell(packaged.world, train, "accept", f"{server.url}/hook/planted-token")
    assert "the webhook could not be called" in caught.value.message
    assert "planted-token" not in caught.value.message
    assert kept(packaged)


def told(stage: Stage, folder: Path) -> list[str]:
    """Return what the webhook is told when the promotion of a stage's release has failed."""
    path = folder / "train.json"
    path.write_text(stage.release.facts.to_json())
    with serve(lambda _: Answer()) as server:
        failure.tell(stage.world, path, "promote", server.url)
    return [json.loads(asked.body)["text"] for asked in server.asked]


def test_accepted_release_that_could_not_be_published_is_told(accepted: Stage, tmp_path: Path) -> None:
    (words,) = told(accepted, tmp_path)
    assert words.startswith("toy 0.1.0: promote failed")


def test_nobody_is_called_for_a_release_that_a_newer_source_has_overtaken(
    accepted: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted.push_main("fix: newer", {"sidecar_src/more.go": GO})
    assert told(accepted, tmp_path) == []
    assert "main has newer changes than" in capsys.readouterr().out


def test_release_that_waits_to_be_merged_is_told_as_that(accepted: Stage, tmp_path: Path) -> None:
    protected = accepted.changed(
        config=with_sections(accepted.world.config, {"git": {"main": "merge-request"}})
    )
    refs = protected.refs()
    words = "toy 0.1.0 is accepted and waits to be merged: release-train/0.1.0 into main"
    assert told(protected, tmp_path) == [words]
    assert protected.refs() == refs


def test_remote_that_cannot_be_asked_hides_no_failure(accepted: Stage, tmp_path: Path) -> None:
    accepted.push_main("fix: newer", {"sidecar_src/more.go": GO})
    accepted.remote.rename(accepted.remote.with_name("away.git"))
    (words,) = told(accepted, tmp_path)
    assert words.startswith("toy 0.1.0: promote failed")
