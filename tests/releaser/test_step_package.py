"""Step 5: the zips lie in the bucket as a candidate, made of the release commit."""

import hashlib
import io
import shutil
import zipfile

import pytest

from releaser import candidate
from releaser.errors import OverwriteError, PackageError, SourceError, StoreError
from releaser.steps import package
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

DOCUMENTS = ("toy-0.1.0.cdx.json", "toy_buildpack-0.1.0.cdx.json")
ZIPS = ("toy_buildpack-cached-cflinuxfs4-v0.1.0.zip", "toy_buildpack-cflinuxfs4-v0.1.0.zip")


def key(stage: Stage, name: str) -> str:
    return f"{stage.release.candidate_prefix}/{name}"


def candidate_keys(stage: Stage) -> set[str]:
    return {row.key for row in stage.store.list(stage.release.candidate_prefix + "/")}


def test_packaged_candidate_holds_both_zips_and_says_what_they_are_made_of(packaged: Stage) -> None:
    release = packaged.release
    assert release.candidate_prefix.endswith(f"/toy/candidates/1-{release.facts.source[:12]}")
    names = (*ZIPS, *DOCUMENTS)
    assert candidate_keys(packaged) == {release.ready_key, *(key(packaged, name) for name in names)}
    ready = candidate.ready(release)
    assert ready is not None
    assert ready.commit == packaged.refs()[f"refs/heads/{release.branch}"]
    assert {one.name: one.digest for one in ready.zips} == {
        name: packaged.digest(key(packaged, name)) for name in ZIPS
    }
    assert [(row["target"], row["sha256"]) for row in ready.binaries] == [
        ("linux/amd64", release.binaries()[0].digest)
    ]


def test_zips_say_the_version_and_only_the_cached_one_holds_the_binary(packaged: Stage) -> None:
    binary = packaged.release.binaries()[0].path.read_bytes()
    for name in ZIPS:
        raw = packaged.store.read(key(packaged, name))
        assert raw is not None
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            assert archive.read("VERSION") == b"0.1.0\n"
            held = [one for one in archive.namelist() if one.startswith("dependencies/")]
            assert [archive.read(one) for one in held] == ([binary] if "cached" in name else [])


def test_package_done_twice_is_a_no_op(packaged: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    before = packaged.objects()
    capsys.readouterr()
    packaged.do("package")
    assert "already done: toy_buildpack-" in capsys.readouterr().out
    assert packaged.objects() == before


@pytest.mark.parametrize("lost", ["ready.json", *ZIPS, *DOCUMENTS])
def test_object_that_was_lost_comes_again_with_the_same_bytes(packaged: Stage, lost: str) -> None:
    before = packaged.objects()
    packaged.delete(key(packaged, lost))
    assert package.find(packaged.release) is None
    packaged.do("package")
    assert packaged.objects() == before


def test_another_machine_makes_the_same_bytes(packaged: Stage) -> None:
    before = packaged.objects()
    packaged.delete(*candidate_keys(packaged))
    other = packaged.another(packaged.here.parent / "elsewhere")
    other.world.repository.fetch()
    other.do("build", "bump", "package")
    assert other.objects() == before


def test_zips_that_are_there_are_downloaded_and_not_made_again(packaged: Stage) -> None:
    packaged.delete(packaged.release.ready_key)
    shutil.rmtree(packaged.release.zips)
    made = packaged.store.client.head_object(Bucket=packaged.store.bucket, Key=key(packaged, ZIPS[0]))
    packaged.do("package")
    again = packaged.store.client.head_object(Bucket=packaged.store.bucket, Key=key(packaged, ZIPS[0]))
    assert again["LastModified"] == made["LastModified"]
    assert {path.name for path in packaged.release.zips.iterdir()} == set(ZIPS)


def test_zip_with_other_contents_under_the_key_is_refused_and_stays(committed: Stage) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("bin/supply")
        info.external_attr = 0o100755 << 16
        archive.writestr(info, "#!/bin/sh\necho other\n")
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    committed.overwrite(key(committed, ZIPS[1]), content.getvalue(), digest)
    with pytest.raises(PackageError, match=f"{ZIPS[1]} does not hold what candidate/.* says.*bin/supply"):
        committed.do("package")
    assert candidate_keys(committed) == {key(committed, ZIPS[1])}
    assert committed.digest(key(committed, ZIPS[1])) == digest


def test_ready_says_what_the_documents_are(packaged: Stage) -> None:
    ready = candidate.ready(packaged.release)
    assert ready is not None
    assert [row["name"] for row in ready.documents] == list(DOCUMENTS)
    for row in ready.documents:
        content = packaged.store.read(key(packaged, row["name"])) or b""
        assert (row["sha256"], row["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
        assert packaged.digest(key(packaged, row["name"])) == row["sha256"]


def test_document_with_other_contents_under_the_key_is_refused_and_stays(committed: Stage) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    committed.overwrite(key(committed, DOCUMENTS[0]), b"{}", digest)
    with pytest.raises(OverwriteError, match=f"{DOCUMENTS[0]} exists"):
        committed.do("package")
    assert committed.release.ready_key not in candidate_keys(committed)
    assert committed.digest(key(committed, DOCUMENTS[0])) == digest


def test_zip_that_was_damaged_in_the_bucket_is_not_used(packaged: Stage) -> None:
    digest = packaged.digest(key(packaged, ZIPS[0]))
    packaged.overwrite(key(packaged, ZIPS[0]), b"damaged", digest)
    shutil.rmtree(packaged.release.zips)
    with pytest.raises(StoreError, match=r"has the digest .*, not"):
        packaged.do("package")
    assert not (packaged.release.zips / ZIPS[0]).exists()


def test_package_before_commit_says_what_to_run(bumped: Stage) -> None:
    with pytest.raises(SourceError, match="is not on the remote") as caught:
        bumped.do("package")
    assert "./inv commit" in caught.value.remedy
    assert candidate_keys(bumped) == set()
