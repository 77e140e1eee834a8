"""Step 2: the sidecar lies in the bucket under its digest, and anybody can read it."""

import urllib.request

import pytest

from releaser.errors import OverwriteError, SourceError, StoreError
from releaser.model import Binary
from releaser.steps import upload
from releaser.tools.public import Public
from tests.releaser.loose_s3 import BUCKET, loose
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow


def binary(stage: Stage) -> Binary:
    return stage.release.binaries()[0]


def test_uploaded_binary_is_read_by_anybody_under_its_digest(stage: Stage) -> None:
    stage.do("upload")
    key = stage.release.binary_key(binary(stage))
    assert key.endswith(f"/toy/0.1.0/toy-linux-amd64-{binary(stage).digest[:12]}")
    with urllib.request.urlopen(stage.world.public.url(key)) as answer:
        assert answer.read() == binary(stage).path.read_bytes()


def test_upload_done_twice_puts_nothing_again(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.do("upload")
    before = stage.store.client.head_object(
        Bucket=stage.store.bucket, Key=stage.release.binary_key(binary(stage))
    )
    capsys.readouterr()
    stage.do("upload")
    upload.run(stage.release)  # as two machines that do it at once
    after = stage.store.client.head_object(
        Bucket=stage.store.bucket, Key=stage.release.binary_key(binary(stage))
    )
    assert "already done: http" in capsys.readouterr().out
    assert after["LastModified"] == before["LastModified"]


def test_uploaded_binary_that_was_lost_is_put_again(stage: Stage) -> None:
    stage.do("upload")
    before = stage.objects()
    stage.delete(stage.release.binary_key(binary(stage)))
    assert upload.find(stage.release) is None
    stage.do("upload")
    assert stage.objects() == before


def test_other_bytes_under_the_key_are_refused_and_stay(stage: Stage) -> None:
    key = stage.release.binary_key(binary(stage))
    stage.overwrite(key, b"another program", "ab" * 32)
    before = stage.objects()[key]
    with pytest.raises(OverwriteError, match="exists in bucket 'releases' with other bytes"):
        stage.do("upload")
    assert stage.objects()[key] == before


def test_binary_that_reads_back_as_other_bytes_is_refused(stage: Stage) -> None:
    key = stage.release.binary_key(binary(stage))
    stage.overwrite(key, b"damaged", binary(stage).digest)
    with pytest.raises(StoreError, match="gives other bytes than were put there"):
        stage.do("upload")


def test_way_that_is_not_the_best_is_told(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    with loose("honours", "ignores") as server:
        public = Public(base=f"{server.server.url}/{BUCKET}")
        stage.changed(store=server.store(), public=public).do("upload")
        told = f"       bucket 'b' at {server.server.url} has no conditional copy: objects are read and put"
        assert told in capsys.readouterr().out
    stage.do("upload")
    assert "conditional" not in capsys.readouterr().out


def test_store_that_ignores_the_condition_gets_no_sidecar(stage: Stage) -> None:
    with loose("ignores") as server:
        careless = stage.changed(store=server.store())
        with pytest.raises(StoreError, match="ignores If-None-Match on PUT"):
            careless.do("upload")
        assert set(server.objects) == {".release-train/put"}


def test_upload_before_build_says_what_to_run(stage: Stage) -> None:
    binary(stage).path.unlink()
    with pytest.raises(SourceError, match="toy-linux-amd64 is not compiled yet") as caught:
        stage.do("upload")
    assert "./inv build" in caught.value.remedy
