"""What a store refuses is said with the values that are wrong and what to do about them."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from releaser.errors import StoreError
from releaser.tools.patience import Patience
from releaser.tools.s3 import Keys, Store
from tests.releaser.loose_s3 import loose, refusal
from tests.releaser.web import Answer

ROOT = Path(__file__).resolve().parents[2]
KEYS = Keys(access_key_id="k", secret_access_key="s")
NOW = Patience(attempts=2, first=0.0)


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def remedy_for(*answers: Answer) -> str:
    """Return what is said to do where reading a key is answered so."""
    with loose() as server:
        server.first = [*answers] * 9
        with pytest.raises(StoreError) as caught:
            server.store(attempts=1).read("k")
        assert caught.value.message.startswith("reading k: the store answered ")
        return caught.value.remedy.replace(server.server.url, "URL")


@pytest.mark.parametrize(("key", "secret"), [("unknown-key", "secret-value"), (None, "wrong-secret")])
def test_wrong_credentials_are_named_and_not_shown(
    store: Store, prefix: str, key: str | None, secret: str
) -> None:
    assert store.keys is not None
    keys = Keys(access_key_id=key or store.keys.access_key_id, secret_access_key=secret)
    wrong = Store(store.endpoint, store.region, store.bucket, keys)
    acts: list[Callable[[], object]] = [lambda: wrong.head(f"{prefix}/a"), lambda: wrong.conditions.put]
    for act in acts:
        with pytest.raises(StoreError, match=r"InvalidAccessKeyId|SignatureDoesNotMatch") as caught:
            act()
        assert "Check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY" in caught.value.remedy
        assert secret not in caught.value.message + caught.value.remedy + repr(keys)


READ_WITHOUT = """from releaser.errors import StoreError
from releaser.tools.s3 import Store
try:
    Store({endpoint!r}, {region!r}, {bucket!r}).read({key!r})
except StoreError as error:
    print(error.message, error.remedy, sep="\\n")
"""


def test_no_credentials_at_all_are_named(store: Store, prefix: str, tmp_path: Path) -> None:
    """In a process of its own: nothing that this one has found before may count."""
    code = READ_WITHOUT.format(
        endpoint=store.endpoint, region=store.region, bucket=store.bucket, key=f"{prefix}/a"
    )
    env = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    message, remedy = done.stdout.splitlines()
    assert "Unable to locate credentials" in message
    assert remedy.startswith("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")


def test_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match=r"The config profile \(nobody\) could not be found") as caught:
        Store("http://127.0.0.1:1", "us-east-1", "b").read("a")
    assert "Check AWS_PROFILE" in caught.value.remedy


def test_endpoint_that_does_not_answer_is_named(unused_port: int) -> None:
    endpoint = f"http://127.0.0.1:{unused_port}"
    with pytest.raises(
        StoreError, match=f'Could not connect to the endpoint URL: "{endpoint}/b/a"'
    ) as caught:
        Store(endpoint, "us-east-1", "b", KEYS, patience=NOW).read("a")
    assert caught.value.remedy.startswith(f"Check s3.endpoint ({endpoint}), the network, and HTTPS_PROXY")


def test_endpoint_whose_name_nobody_knows_is_named() -> None:
    with pytest.raises(StoreError, match="Could not connect to the endpoint URL") as caught:
        Store("http://no-such-host.invalid", "us-east-1", "b", KEYS, patience=NOW).read("a")
    assert "Check s3.endpoint (http://no-such-host.invalid)" in caught.value.remedy


def test_bucket_that_is_not_there_is_named_with_its_endpoint() -> None:
    """As AWS answers; the embedded store makes a bucket that is missing."""
    said = remedy_for(refusal(404, "NoSuchBucket"))
    assert said == "Make the bucket, or correct s3.bucket ('b') and s3.endpoint (URL) in sidecar.yml."


def test_clock_that_is_wrong_is_told_the_stores_time() -> None:
    skewed = refusal(403, "RequestTimeTooSkewed")
    date = {"Date": "Wed, 25 Nov 2026 08:00:00 GMT"}
    said = remedy_for(Answer(status=403, body=skewed.body, headers=date))
    assert said.startswith("Set this machine's clock: bucket 'b' at URL says that it is ")
    assert "25 Nov 2026 08:00:00 GMT" in said


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "AuthorizationHeaderMalformed", Region="eu-central-1"),
        Answer(
            status=301,
            body=refusal(301, "PermanentRedirect").body,
            headers={"x-amz-bucket-region": "eu-central-1"},
        ),
    ],
    ids=["malformed", "redirect"],
)
def test_bucket_in_another_region_names_both_regions(answer: Answer) -> None:
    said = remedy_for(answer)
    assert said == "The bucket is in another region: set s3.region to 'eu-central-1' (it is 'us-east-1')."


def test_bucket_in_a_region_that_is_not_told_names_ours_and_what_the_store_says() -> None:
    said = remedy_for(refusal(301, "PermanentRedirect", Endpoint="b.s3.eu-west-3.amazonaws.com"))
    assert "correct s3.region ('us-east-1')" in said
    assert "b.s3.eu-west-3.amazonaws.com" in said


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken"])
def test_session_that_has_ended_is_named(code: str) -> None:
    assert remedy_for(refusal(400, code)).startswith("Get a new session: AWS_SESSION_TOKEN")


def test_call_that_the_store_lacks_points_at_what_is_needed() -> None:
    assert remedy_for(refusal(501, "NotImplemented")).endswith(
        "docs/publishing.md says what the train needs."
    )


def test_missing_right_names_the_action_of_the_call() -> None:
    with loose() as server:
        store = server.store()
        assert store.conditions.put
        acts: dict[str, Callable[[], object]] = {
            "s3:PutObject": lambda: store.put("k", b"x", "text/plain", cache_control="no-cache"),
            "s3:DeleteObject": lambda: store.delete(["k"]),
            "s3:ListBucket": lambda: store.list("p/"),
        }
        for what, act in acts.items():
            server.first = [refusal(403, "AccessDenied")]
            with pytest.raises(StoreError, match="AccessDenied") as caught:
                act()
            assert f"this call needs {what}.\n" in caught.value.remedy


def test_head_that_is_refused_without_a_word_is_asked_again_for_the_reason() -> None:
    with loose() as server:
        server.first = [Answer(status=403), refusal(403, "InvalidAccessKeyId")]
        with pytest.raises(StoreError, match="reading k: the store answered InvalidAccessKeyId"):
            server.store().head("k")


LISTED = b"<ListBucketResult><Contents><Key>k</Key><Size>1</Size></Contents></ListBucketResult>"
EMPTY = b"<ListBucketResult></ListBucketResult>"


def test_key_that_is_denied_and_not_listed_does_not_exist() -> None:
    """So AWS answers for a missing key where ListBucket is allowed below a prefix alone."""
    with loose() as server:
        server.first = [Answer(status=403), refusal(403, "AccessDenied"), Answer(body=EMPTY)]
        assert server.store().head("k") is None
        server.first = [refusal(403, "AccessDenied"), Answer(body=EMPTY)]
        assert server.store().read("k") is None


def test_key_that_is_denied_and_listed_is_an_error() -> None:
    with loose() as server:
        server.first = [refusal(403, "AccessDenied"), Answer(body=LISTED), refusal(403, "AccessDenied")]
        with pytest.raises(StoreError, match="AccessDenied") as caught:
            server.store().read("k")
        assert "s3:GetObject" in caught.value.remedy
