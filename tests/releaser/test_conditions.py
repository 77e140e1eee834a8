"""What a store promises is tried, and each promise that is missing has its own way around."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from releaser.errors import OverwriteError, StoreError
from releaser.tools.s3 import Store
from tests.releaser.loose_s3 import Loose, Promise, loose, refusal

PUT, COPY = ".release-train/put", ".release-train/copy"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(store: Store, key: str, content: bytes) -> bool:
    return store.put_new(key, content, digest=digest(content), kind="text/plain")


def copy(store: Store, origin: str, key: str, content: bytes) -> bool:
    return store.copy_new(origin, key, digest=digest(content), kind="text/plain")


def test_real_store_honours_both_and_nothing_is_remarked(store: Store) -> None:
    fresh = Store(store.endpoint, store.region, store.bucket, store.keys, scratch="probed/")
    assert (fresh.conditions.put, fresh.conditions.copy, fresh.remarks()) == (True, True, [])
    assert [row.key for row in fresh.list("probed/")] == ["probed/copy", "probed/put"]


def test_real_store_is_tried_by_many_at_once_and_each_finds_the_same(store: Store) -> None:
    trains = [
        Store(store.endpoint, store.region, store.bucket, store.keys, scratch="crowded/") for _ in range(6)
    ]
    assert all(train.client for train in trains)  # made here: boto3 makes them one at a time
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda train: train.conditions.put and train.conditions.copy, trains))
    assert found == [True] * 6


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        ("honours", "honours", (True, True)),
        ("honours", "ignores", (True, False)),
        ("honours", "compares the source", (True, False)),
        ("honours", "lacks", (True, False)),
        ("honours", "denies", (True, False)),
        ("ignores", "honours", (False, False)),
        ("lacks", "honours", (False, False)),
    ],
)
def test_promises_of_put_and_copy_are_found_apart(
    kept: Promise, asked: Promise, expected: tuple[bool, bool]
) -> None:
    with loose(kept, asked) as server:
        store = server.store()
        assert (store.conditions.put, store.conditions.copy) == expected


def test_promises_are_asked_for_once_and_less_where_the_scratch_objects_are_there() -> None:
    with loose() as server:
        store = server.store()
        for number in range(3):
            put(store, f"k{number}", b"x")
            copy(store, "k0", f"c{number}", b"x")
        assert (server.asked("PUT", PUT), server.asked("PUT", COPY)) == (2, 2)
        again = server.store()
        assert again.conditions.copy
        assert (server.asked("PUT", PUT), server.asked("PUT", COPY)) == (3, 3)
        assert server.asked("DELETE", PUT) == 0


def test_scratch_object_that_a_prune_removes_in_between_is_no_broken_promise() -> None:
    with loose() as server:
        store = server.store()
        act = server._put
        removed: list[object] = []

        def removing(*args: object) -> object:
            answer = act(*args)  # type: ignore[arg-type]
            if not removed:
                removed.append(server.objects.pop(PUT))
            return answer

        server._put = removing  # type: ignore[assignment,method-assign]
        assert store.conditions.put is True


def test_store_that_ignores_the_condition_is_refused_before_anything_else_is_put() -> None:
    with loose("ignores") as server:
        with pytest.raises(
            StoreError, match=f"bucket 'b' at {server.server.url} ignores If-None-Match on PUT"
        ) as caught:
            put(server.store(), "mine", b"x")
        assert "s3.overwrite_protection: compare" in caught.value.remedy
        assert set(server.objects) == {PUT}


def test_missing_right_to_put_is_an_error_and_no_missing_promise() -> None:
    with loose("denies") as server, pytest.raises(StoreError, match="AccessDenied") as caught:
        put(server.store(protection="compare"), "mine", b"x")
    assert "s3:PutObject" in caught.value.remedy


@pytest.mark.parametrize("asked", ["ignores", "compares the source", "lacks", "denies"])
def test_without_conditional_copy_objects_are_read_and_put_conditionally(asked: Promise) -> None:
    with loose("honours", asked) as server:
        store = server.store()
        put(store, "from", b"x")
        assert copy(store, "from", "to", b"x") is True
        assert copy(store, "from", "to", b"x") is False
        put(store, "other", b"y")
        with pytest.raises(OverwriteError):
            copy(store, "other", "to", b"y")
        assert server.objects["to"][0] == b"x"
        assert [one.path for one in server.server.asked if "x-amz-copy-source" in one.headers] == [
            f"/b/{COPY}" for _ in range(server.asked("PUT", COPY))
        ]
        assert "has no conditional copy" in store.remarks()[0]


def compared(server: Loose) -> Store:
    return server.store(protection="compare")


def test_compare_puts_what_is_not_there_and_says_that_it_compares() -> None:
    with loose("ignores") as server:
        store = compared(server)
        assert put(store, "a", b"one") is True
        assert put(store, "a", b"one") is False
        with pytest.raises(OverwriteError):
            put(store, "a", b"two")
        assert server.objects["a"][0] == b"one"
        assert "Run one train at a time" in store.remarks()[0]
        assert copy(store, "a", "copied", b"one") is True


def test_compare_reads_back_and_notices_that_another_train_wrote_last() -> None:
    with loose("ignores") as server:
        store = compared(server)
        act = server._put

        def racing(key: str, body: bytes, headers: dict[str, str]) -> object:
            answer = act(key, body, headers)
            if key == "a":
                server.objects["a"] = (b"theirs", {"x-amz-meta-sha256": digest(b"theirs")})
            return answer

        server._put = racing  # type: ignore[assignment,method-assign]
        with pytest.raises(StoreError, match=f"a in bucket 'b' has the digest {digest(b'theirs')}"):
            put(store, "a", b"ours")


def test_compare_is_not_used_where_the_condition_is_honoured() -> None:
    with loose() as server:
        put(compared(server), "a", b"one")
        sent = [one for one in server.server.asked if (one.method, one.path) == ("PUT", "/b/a")]
        assert [one.headers.get("If-None-Match") for one in sent] == ["*"]


def test_probe_is_patient_with_a_busy_store() -> None:
    with loose() as server:
        server.first = [refusal(409, "ConditionalRequestConflict"), refusal(503, "SlowDown"), None]
        assert server.store().conditions.put is True
