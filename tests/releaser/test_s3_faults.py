"""A store that is busy, breaks off, forgets or lies: waited for where it passes, said where it does not."""

import hashlib
from pathlib import Path

import pytest

from releaser.errors import OverwriteError, StoreError
from releaser.tools.s3 import Store
from tests.releaser.loose_s3 import Loose, loose, refusal
from tests.releaser.web import Answer, Asked

LOST = Answer(status=0)
BUSY = [
    refusal(409, "ConditionalRequestConflict"),
    refusal(503, "SlowDown"),
    refusal(500, "InternalError"),
    refusal(400, "RequestTimeout"),
    refusal(400, "BadDigest"),
    refusal(429, "TooManyRequests"),
    LOST,
]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(store: Store, content: bytes = b"x") -> bool:
    return store.put_new("k", content, digest=digest(content), kind="text/plain")


def probed(server: Loose, attempts: int = 4) -> Store:
    store = server.store(attempts=attempts)
    assert store.conditions.copy
    return store


@pytest.mark.parametrize("answer", BUSY, ids=lambda answer: answer.status)
def test_put_is_tried_again_while_the_store_is_busy(answer: Answer) -> None:
    with loose() as server:
        store = probed(server)
        server.first = [answer, answer, answer]
        assert put(store) is True
        assert server.asked("PUT", "k") == 4


@pytest.mark.parametrize("answer", BUSY, ids=lambda answer: answer.status)
def test_copy_is_tried_again_while_the_store_is_busy(answer: Answer) -> None:
    with loose() as server:
        store = probed(server)
        put(store)
        server.first = [answer, answer, answer]
        assert store.copy_new("k", "to", digest=digest(b"x"), kind="text/plain") is True


def test_store_that_stays_busy_is_given_up_after_a_bounded_number() -> None:
    with loose() as server:
        store = probed(server)
        server.first = [refusal(503, "SlowDown")] * 99
        with pytest.raises(StoreError, match="putting k: the store answered SlowDown: In its words"):
            put(store)
        assert server.asked("PUT", "k") == 4


def test_refusal_that_will_not_pass_is_not_tried_again() -> None:
    with loose() as server:
        store = probed(server)
        server.first = [refusal(403, "AccessDenied")]
        with pytest.raises(StoreError, match="AccessDenied"):
            put(store)
        assert server.asked("PUT", "k") == 1


def test_put_whose_answer_was_lost_has_worked_where_the_digest_agrees() -> None:
    with loose() as server:
        store = probed(server)
        server.first = [None]
        assert put(store) is False
        assert (server.asked("PUT", "k"), server.objects["k"][0]) == (2, b"x")


def test_put_whose_answer_was_lost_and_whose_key_another_took_is_refused() -> None:
    with loose() as server:
        store = probed(server)
        put(store, b"theirs")
        server.first = [None]
        with pytest.raises(OverwriteError, match=f"there: {digest(b'theirs')}, here: {digest(b'x')}"):
            put(store)


def test_write_that_is_shown_late_is_waited_for() -> None:
    with loose() as server:
        store = probed(server)
        hidden, act = [refusal(404, "NoSuchKey")] * 2, server._act

        def forgetful(asked: Asked) -> Answer:
            return hidden.pop() if asked.method == "HEAD" and hidden else act(asked)

        server._act = forgetful  # type: ignore[method-assign]
        assert put(store) is True
        assert hidden == []


def test_key_that_is_refused_and_not_shown_is_told_from_one_that_is_taken() -> None:
    """So a versioned bucket of one store answers for a key behind a delete marker."""
    with loose() as server:
        store = probed(server)
        server._put = lambda *_: refusal(412, "PreconditionFailed")  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="refuses to put k as if it were there, and does not show it"):
            put(store)


def test_store_that_takes_an_object_and_does_not_have_it_is_found_out() -> None:
    with loose() as server:
        store = probed(server)
        server._put = lambda *_: Answer(headers={"ETag": '"x"'})  # type: ignore[method-assign]
        with pytest.raises(
            StoreError, match=f"bucket 'b' at {server.server.url} took k, and does not have it"
        ):
            put(store)


def test_store_that_keeps_other_bytes_is_found_out_before_they_are_named() -> None:
    with loose() as server:
        store = probed(server)
        put(store, b"whole")
        server.objects["k"] = (b"who", server.objects["k"][1])
        with pytest.raises(StoreError, match=f"k in bucket 'b' has the digest {digest(b'who')}"):
            store.require_stored("k", digest(b"whole"))


def test_store_that_drops_metadata_is_found_out_at_the_first_object() -> None:
    with loose() as server:
        store = probed(server)
        act = server._put
        server._put = lambda key, body, headers: act(  # type: ignore[method-assign]
            key, body, {name: value for name, value in headers.items() if "meta" not in name}
        )
        with pytest.raises(StoreError, match=f"says that its sha256 is None, not {digest(b'x')}") as caught:
            put(store)
        assert "x-amz-meta-sha256" in caught.value.remedy


def test_metadata_whose_names_come_back_in_capitals_is_understood() -> None:
    with loose() as server:
        store = probed(server)
        server.objects["k"] = (b"x", {"X-Amz-Meta-Sha256": digest(b"x")})
        stored = store.head("k")
        assert stored is not None
        assert stored.digest == digest(b"x")


def torn(length: int) -> Answer:
    return Answer(body=b"half", headers={"Content-Length": str(length)})


def test_download_that_breaks_off_is_begun_again_and_its_progress_is_true(tmp_path: Path) -> None:
    with loose() as server:
        store, told = probed(server), list[int]()
        put(store, b"halfhalf")
        server.first = [torn(8), torn(8)]
        store.download("k", tmp_path / "a", digest(b"halfhalf"), told.append)
        assert (tmp_path / "a").read_bytes() == b"halfhalf"
        assert sum(told) == 8


def test_download_that_keeps_breaking_off_leaves_nothing(tmp_path: Path) -> None:
    with loose() as server:
        store = probed(server)
        server.first = [torn(8)] * 99
        with pytest.raises(StoreError, match="reading k: "):
            store.download("k", tmp_path / "a", digest(b"half"), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_reading_that_breaks_off_is_begun_again() -> None:
    with loose() as server:
        store = probed(server)
        put(store, b"halfhalf")
        server.first = [torn(8)]
        assert store.read("k") == b"halfhalf"
        server.first = [torn(8), torn(8)]
        assert store.digest_of("k") == digest(b"halfhalf")
