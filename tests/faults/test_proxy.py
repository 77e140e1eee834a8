"""Each treatment of a request by the proxy leaves in the bucket, and tells the client, what its name says."""

import time

import pytest
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError

from faults.proxy import ERRORS
from faults.store import BUCKET, Stored
from tests.faults.conftest import Struck

pytestmark = pytest.mark.slow
BODY = b"some bytes of an object" * 100
METADATA = {"sha256": "abc"}


def put(struck: Struck, key: str) -> None:
    struck.client.put_object(Bucket=BUCKET, Key=key, Body=BODY, Metadata=METADATA, IfNoneMatch="*")


def there(struck: Struck, key: str) -> Stored | None:
    return struck.proxy.upstream.objects().get(key)


def code(error: "pytest.ExceptionInfo[ClientError]") -> str:
    return error.value.response["Error"]["Code"]


def test_request_that_is_not_struck_passes_with_its_signature_and_its_condition(struck: Struck) -> None:
    watch = struck.at("PUT", "another", "500")
    put(struck, "passes")
    with pytest.raises(ClientError) as error:
        put(struck, "passes")
    assert code(error) == "PreconditionFailed"
    stored = there(struck, "passes")
    assert stored is not None
    assert (stored.content, stored.metadata) == (BODY, METADATA)
    assert [str(event) for event in watch.events] == ["PUT of passes", "PUT of passes (number 2)"]


def test_copy_passes_and_is_told_apart_from_a_put(struck: Struck) -> None:
    watch = struck.at("PUT", "another", "500")
    put(struck, "origin")
    struck.client.copy_object(Bucket=BUCKET, Key="copied", CopySource=f"{BUCKET}/origin")
    assert there(struck, "copied") is not None
    assert [event.what for event in watch.events] == ["PUT", "COPY"]


@pytest.mark.parametrize("name", ["500", "503", "403", "409", "skewed"])
def test_error_is_told_and_nothing_is_stored(struck: Struck, name: str) -> None:
    struck.at("PUT", f"error-{name}", name)
    with pytest.raises(ClientError) as error:
        put(struck, f"error-{name}")
    assert code(error) == ERRORS[name][1]
    assert there(struck, f"error-{name}") is None


@pytest.mark.parametrize("name", ["refuse", "cut-request"])
def test_broken_connection_stores_nothing(struck: Struck, name: str) -> None:
    struck.at("PUT", name, name)
    with pytest.raises(HTTPClientError):
        put(struck, name)
    assert there(struck, name) is None


def test_lost_answer_has_stored_the_object(struck: Struck) -> None:
    struck.at("PUT", "lost", "lose")
    with pytest.raises(HTTPClientError):
        put(struck, "lost")
    assert there(struck, "lost") is not None


def test_lie_says_yes_and_stores_nothing(struck: Struck) -> None:
    struck.at("PUT", "lie", "lie")
    put(struck, "lie")
    assert there(struck, "lie") is None


def test_lie_about_a_copy_says_yes_and_stores_nothing(struck: Struck) -> None:
    struck.at("COPY", "lie-copy", "lie")
    put(struck, "lie-origin")
    struck.client.copy_object(Bucket=BUCKET, Key="lie-copy", CopySource=f"{BUCKET}/lie-origin")
    assert there(struck, "lie-copy") is None


def test_corrupted_object_has_other_bytes_below_the_same_metadata(struck: Struck) -> None:
    struck.at("PUT", "corrupt", "corrupt")
    put(struck, "corrupt")
    stored = there(struck, "corrupt")
    assert stored is not None
    assert stored.content != BODY
    assert len(stored.content) == len(BODY)
    assert stored.metadata == METADATA
    assert "corrupt" in struck.proxy.corrupted


def test_forgotten_object_is_not_seen_as_often_as_told_and_then_seen(struck: Struck) -> None:
    struck.at("PUT", "forgotten", "forget", 2)
    put(struck, "forgotten")
    listed = struck.client.list_objects_v2(Bucket=BUCKET, Prefix="forgotten")
    assert listed.get("Contents", []) == []
    with pytest.raises(ClientError) as head:
        struck.client.head_object(Bucket=BUCKET, Key="forgotten")
    with pytest.raises(ClientError) as get:
        struck.client.get_object(Bucket=BUCKET, Key="forgotten")
    assert (code(head), code(get)) == ("404", "NoSuchKey")
    assert struck.client.get_object(Bucket=BUCKET, Key="forgotten")["Body"].read() == BODY


def test_cut_answer_breaks_off_in_the_middle(struck: Struck) -> None:
    struck.at("GET", "cut-answer", "cut-answer")
    put(struck, "cut-answer")
    body = struck.client.get_object(Bucket=BUCKET, Key="cut-answer")["Body"]
    with pytest.raises(ResponseStreamingError):
        body.read()


def test_stalled_request_is_answered_after_the_time(struck: Struck) -> None:
    struck.at("PUT", "stalled", "stall", 0.5)
    began = time.monotonic()
    put(struck, "stalled")
    assert time.monotonic() - began >= 0.5
    assert there(struck, "stalled") is not None


def test_late_write_arrives_after_its_sender_has_gone(struck: Struck) -> None:
    struck.at("PUT", "late", "late", 0.5)
    with pytest.raises(HTTPClientError):
        put(struck, "late")
    assert there(struck, "late") is None
    struck.proxy.settle()
    assert there(struck, "late") is not None


def test_killed_server_keeps_its_objects_and_its_addresses(struck: Struck) -> None:
    struck.at("PUT", "another", "500")
    put(struck, "survives")
    struck.proxy.upstream.kill()
    with pytest.raises(HTTPClientError):
        struck.client.get_object(Bucket=BUCKET, Key="survives")
    struck.proxy.upstream.start()
    assert struck.client.get_object(Bucket=BUCKET, Key="survives")["Body"].read() == BODY
