"""The bucket: nothing is overwritten, and what comes back is what was put."""

import datetime
import hashlib
from pathlib import Path
from typing import Any

import pytest

from releaser.errors import OverwriteError, StoreError
from releaser.tools.patience import Patience
from releaser.tools.s3 import Store


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(store: Store, key: str, content: bytes | Path) -> bool:
    raw = content if isinstance(content, bytes) else content.read_bytes()
    return store.put_new(key, content, digest=digest(raw), kind="text/plain", advance=lambda _: None)


def copy(store: Store, origin: str, key: str, content: bytes) -> bool:
    return store.copy_new(origin, key, digest=digest(content), kind="text/plain")


def lie(store: Store, key: str, content: bytes, said: str) -> None:
    """Put bytes that are said to be others, as a damaged or changed object is."""
    store.client.put_object(Bucket=store.bucket, Key=key, Body=content, Metadata={"sha256": said})


def no_progress(_count: int) -> None:
    pass


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


def test_object_of_another_program_is_ours_where_its_bytes_are(store: Store, prefix: str) -> None:
    store.client.put_object(Bucket=store.bucket, Key=f"{prefix}/theirs", Body=b"theirs")
    with pytest.raises(OverwriteError, match="exists in bucket 'releases' with other bytes"):
        put(store, f"{prefix}/theirs", b"ours")
    store.client.put_object(Bucket=store.bucket, Key=f"{prefix}/ours", Body=b"ours")
    assert put(store, f"{prefix}/ours", b"ours") is False


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
    rows = store.list(f"{prefix}/")
    assert [(row.key.removeprefix(prefix), row.size) for row in rows] == [("/a/1", 1), ("/a/2", 1), ("/b", 1)]
    assert all(abs(datetime.datetime.now(datetime.UTC) - row.modified).days == 0 for row in rows)


def test_copied_object_has_the_bytes_and_the_digest(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/ä b+c", b"one")
    assert copy(store, f"{prefix}/ä b+c", f"{prefix}/to", b"one") is True
    assert copy(store, f"{prefix}/ä b+c", f"{prefix}/to", b"one") is False
    stored = store.head(f"{prefix}/to")
    assert stored is not None
    assert (store.read(f"{prefix}/to"), stored.digest) == (b"one", digest(b"one"))


def test_copy_goes_within_the_store(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/from", b"one")
    copy(store, f"{prefix}/from", f"{prefix}/to", b"one")
    gone: list[str] = []
    store.client.meta.events.register("before-call.s3", lambda model, **_: gone.append(model.name))
    copy(store, f"{prefix}/from", f"{prefix}/too", b"one")
    assert gone == ["CopyObject", "HeadObject"]


def test_copy_over_other_bytes_is_refused_and_the_first_stay(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/from", b"one")
    put(store, f"{prefix}/to", b"two")
    with pytest.raises(OverwriteError, match=f"there: {digest(b'two')}, here: {digest(b'one')}"):
        copy(store, f"{prefix}/from", f"{prefix}/to", b"one")
    assert store.read(f"{prefix}/to") == b"two"


def test_copy_of_what_is_not_there_is_an_error(store: Store, prefix: str) -> None:
    with pytest.raises(StoreError, match=f"copying {prefix}/no to {prefix}/to: the store answered NoSuchKey"):
        copy(store, f"{prefix}/no", f"{prefix}/to", b"one")


def test_page_is_written_again_and_not_cached(store: Store, prefix: str) -> None:
    for content in (b"<p>1", b"<p>2"):
        store.put(f"{prefix}/index.html", content, "text/html", cache_control="no-cache")
    found = store.client.head_object(Bucket=store.bucket, Key=f"{prefix}/index.html")
    assert (store.read(f"{prefix}/index.html"), found["CacheControl"]) == (b"<p>2", "no-cache")
    assert found["ContentType"] == "text/html"


def test_deleted_objects_are_gone_and_the_others_stay(store: Store, prefix: str) -> None:
    for name in ("a", "b", "c"):
        put(store, f"{prefix}/{name}", b"x")
    store.delete([f"{prefix}/a", f"{prefix}/c", f"{prefix}/never-there"])
    assert [row.key for row in store.list(f"{prefix}/")] == [f"{prefix}/b"]


def test_digest_is_of_the_bytes_and_not_of_what_was_said_of_them(store: Store, prefix: str) -> None:
    lie(store, f"{prefix}/a", b"damaged", digest(b"good"))
    assert store.digest_of(f"{prefix}/a") == digest(b"damaged")
    assert store.digest_of(f"{prefix}/no") is None


def test_object_that_is_not_what_it_says_is_not_read(store: Store, prefix: str) -> None:
    lie(store, f"{prefix}/a", b"damaged", digest(b"good"))
    with pytest.raises(StoreError, match=f"has the digest {digest(b'damaged')}, not {digest(b'good')}"):
        store.read(f"{prefix}/a")


def test_stored_object_is_required_by_its_bytes(store: Store, prefix: str) -> None:
    put(store, f"{prefix}/good", b"good")
    store.require_stored(f"{prefix}/good", digest(b"good"))
    lie(store, f"{prefix}/bad", b"damaged", digest(b"good"))
    with pytest.raises(StoreError, match=f"has the digest {digest(b'damaged')}, not {digest(b'good')}"):
        store.require_stored(f"{prefix}/bad", digest(b"good"))


def test_file_that_changed_after_its_digest_was_taken_is_not_sent(
    store: Store, prefix: str, tmp_path: Path
) -> None:
    (tmp_path / "zip").write_bytes(b"other")
    with pytest.raises(StoreError, match=f"zip has the digest {digest(b'other')}, not {digest(b'zip')}"):
        store.put_new(f"{prefix}/a", tmp_path / "zip", digest=digest(b"zip"), kind="x/y")
    assert store.head(f"{prefix}/a") is None


def test_damaged_body_is_refused_by_the_store(store: Store, prefix: str) -> None:
    """What Content-MD5 is for: here the body changes after it was taken."""

    def damage(request: Any, **_: object) -> None:
        request.data = b"damaged"

    fresh = Store(store.endpoint, store.region, store.bucket, store.keys, patience=Patience(attempts=1))
    assert fresh.conditions.put
    fresh.client.meta.events.register("before-sign.s3.PutObject", damage)
    with pytest.raises(StoreError, match="BadDigest"):
        put(fresh, f"{prefix}/a", b"correct")
    assert store.head(f"{prefix}/a") is None


def test_key_that_is_not_there_is_none(store: Store, prefix: str) -> None:
    assert (store.head(f"{prefix}/a"), store.read(f"{prefix}/a")) == (None, None)


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
    with pytest.raises(StoreError, match=f"reading {prefix}/a: the store answered NoSuchKey"):
        store.download(f"{prefix}/a", tmp_path / "a", digest(b""), no_progress)
    assert list(tmp_path.iterdir()) == []
