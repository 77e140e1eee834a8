"""The bucket: nothing is overwritten, and what is wrong with it is said."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from releaser.errors import OverwriteError, StoreError
from releaser.tools.s3 import Keys, Store
from tests.releaser.web import Answer, serve


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(store: Store, key: str, content: bytes | Path) -> bool:
    raw = content if isinstance(content, bytes) else content.read_bytes()
    return store.put_new(key, content, digest=digest(raw), kind="text/plain", advance=lambda _: None)


def no_progress(_count: int) -> None:
    pass


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_object_that_is_put_comes_back_with_its_digest_and_size(store: Store, prefix: str) -> None:
    assert put(store, f"{prefix}/a", b"one") is True
    stored = store.head(f"{prefix}/a")
    assert stored is not None
    assert (stored.digest, stored.size) == (digest(b"one"), 3)
    assert store.read(f"{prefix}/a") == b"one"


def test_same_bytes_put_twice_are_fine_and_put_once(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/a", b"one")
    assert put(store, f"{prefix}/a", b"one") is False


def test_other_bytes_are_refused_and_the_first_stay(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/a", b"one")
    with pytest.raises(OverwriteError) as caught:
        put(store, f"{prefix}/a", b"two")
    assert digest(b"one") in caught.value.message
    assert digest(b"two") in caught.value.message
    assert store.read(f"{prefix}/a") == b"one"


def test_object_of_another_program_is_not_taken_for_ours(store: Store, prefix: str) -> None:
    store.client.put_object(Bucket=store.bucket, Key=f"{prefix}/a", Body=b"one")
    with pytest.raises(OverwriteError, match="exists in bucket 'releases' with other bytes"):
        put(store, f"{prefix}/a", b"one")


def test_file_is_put_and_its_progress_told(store: Store, prefix: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (3 << 20))
    told: list[int] = []
    content_digest = digest(path.read_bytes())
    assert store.put_new(f"{prefix}/a", path, digest=content_digest, kind="x/y", advance=told.append)
    assert sum(told) == 3 << 20
    assert len(told) > 2
    assert store.read(f"{prefix}/a") == path.read_bytes()


def test_list_has_every_key_below_a_prefix_sorted(store: Store, prefix: str) -> None:
    for name in ("b", "a/1", "a/2"):
        put(store, f"{prefix}/{name}", b"x")
    assert store.list(f"{prefix}/") == [f"{prefix}/a/1", f"{prefix}/a/2", f"{prefix}/b"]


def test_key_that_is_not_there_is_none(store: Store, prefix: str) -> None:
    assert (store.head(f"{prefix}/a"), store.read(f"{prefix}/a")) == (None, None)


def test_store_honours_the_condition_that_everything_rests_on(store: Store) -> None:
    assert store.refuses_overwriting is True


def test_store_that_ignores_the_condition_is_refused_before_anything_is_put() -> None:
    with serve(lambda _: Answer(headers={"ETag": '"x"'})) as server:
        careless = Store(server.url, "us-east-1", "b", Keys(access_key_id="k", secret_access_key="s"))
        with pytest.raises(StoreError, match=f"bucket 'b' at {server.url} ignores If-None-Match on PUT"):
            put(careless, "mine", b"x")
        assert {(one.method, one.path) for one in server.asked} == {
            ("PUT", "/b/.release-train/conditional-put")
        }
        assert {one.headers.get("If-None-Match") for one in server.asked} == {"*"}


def test_download_is_whole_and_told(store: Store, prefix: str, tmp_path: Path) -> None:
    content = b"y" * (2 << 20)
    put(store, f"{prefix}/a", content)
    told: list[int] = []
    store.download(f"{prefix}/a", tmp_path / "new" / "a", digest(content), told.append)
    assert (tmp_path / "new" / "a").read_bytes() == content
    assert sum(told) == len(content)


def test_download_with_another_digest_leaves_nothing(store: Store, prefix: str, tmp_path: Path) -> None:
    put(store, f"{prefix}/a", b"damaged")
    with pytest.raises(StoreError, match=f"has the digest {digest(b'damaged')}, not {digest(b'good')}"):
        store.download(f"{prefix}/a", tmp_path / "a", digest(b"good"), no_progress)
    assert list(tmp_path.iterdir()) == []


def test_download_of_a_lost_object_leaves_nothing(store: Store, prefix: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"reading {prefix}/a: the store answered"):
        store.download(f"{prefix}/a", tmp_path / "a", digest(b""), no_progress)
    assert list(tmp_path.iterdir()) == []


def test_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with serve(lambda _: Answer(body=b"half", headers={"Content-Length": "8"})) as server:
        torn = Store(server.url, "us-east-1", "b", Keys(access_key_id="k", secret_access_key="s"))
        with pytest.raises(StoreError, match="reading a: "):
            torn.download("a", tmp_path / "a", digest(b"half"), no_progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("key", "secret"), [("unknown-key", "secret"), (None, "wrong-secret")])
def test_wrong_credentials_are_named_and_not_shown(
    store: Store, prefix: str, key: str | None, secret: str
) -> None:
    assert store.keys is not None
    keys = Keys(access_key_id=key or store.keys.access_key_id, secret_access_key=secret)
    with pytest.raises(StoreError, match=f"putting {prefix}/a|putting .release-train") as caught:
        put(Store(store.endpoint, store.region, store.bucket, keys), f"{prefix}/a", b"x")
    assert "Check the credentials (AWS_ACCESS_KEY_ID" in caught.value.remedy
    assert secret not in caught.value.message + caught.value.remedy


def test_no_credentials_at_all_are_named(store: Store, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(StoreError, match="Unable to locate credentials") as caught:
        Store(store.endpoint, store.region, store.bucket).read(f"{prefix}/a")
    assert "AWS_ACCESS_KEY_ID" in caught.value.remedy


def test_endpoint_that_does_not_answer_is_named(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    endpoint = f"http://127.0.0.1:{unused_port}"
    away = Store(endpoint, "us-east-1", "b", Keys(access_key_id="k", secret_access_key="s"))
    with pytest.raises(
        StoreError, match=f'Could not connect to the endpoint URL: "{endpoint}/b/a"'
    ) as caught:
        away.read("a")
    assert (
        caught.value.remedy
        == f"Check that bucket 'b' at {endpoint} can be reached, and run the same command again."
    )


def test_bucket_that_is_not_there_is_named() -> None:
    """As AWS answers; the embedded store makes a bucket that is missing."""
    body = b"<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>"
    with serve(lambda _: Answer(status=404, body=body)) as server:
        lost = Store(server.url, "us-east-1", "no-such", Keys(access_key_id="k", secret_access_key="s"))
        with pytest.raises(StoreError, match="NoSuchBucket") as caught:
            put(lost, "a", b"x")
        assert caught.value.remedy.startswith("Check that bucket 'no-such' at ")
        with pytest.raises(StoreError, match="NoSuchBucket"):
            lost.read("a")
