"""The embedded S3: anybody reads, nobody writes without keys, and what was put outlives a kill."""

from collections.abc import Iterator

import boto3
import psutil
import pytest
import requests
from botocore.exceptions import ClientError

from embedded import store
from embedded.daemons import Keeper
from embedded.store import S3

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """What keeps the server of this file's tests."""
    made = Keeper(folder=tmp_path_factory.mktemp("store") / "daemons", clone="test-store")
    yield made
    made.stop("s3")


@pytest.fixture(scope="module")
def s3(keeper: Keeper) -> S3:
    """The server, with an object."""
    found = store.start(keeper, keeper.folder.parent / "s3")
    put(found, "a/b", b"content")
    return found


def put(s3: S3, key: str, body: bytes, secret: str | None = None) -> None:
    """Put an object, with the right secret or another one."""
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=secret or s3.secret_access_key,
    )
    client.put_object(Bucket=s3.bucket, Key=key, Body=body)


def test_object_is_read_without_credentials(s3: S3) -> None:
    assert requests.get(f"{s3.endpoint}/{s3.bucket}/a/b", timeout=10).content == b"content"


def test_bucket_is_neither_listed_nor_written_without_credentials(s3: S3) -> None:
    url = f"{s3.endpoint}/{s3.bucket}"
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.put(f"{url}/c", b"x", timeout=10).status_code == 403
    assert requests.delete(f"{url}/a/b", timeout=10).status_code == 403


def test_wrong_secret_is_refused(s3: S3) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        put(s3, "c", b"x", secret="wrong")


def test_nothing_listens_beyond_loopback(s3: S3, keeper: Keeper) -> None:
    process = psutil.Process(int(keeper._note("s3")["pid"]))
    listening = [one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_keys_are_for_the_owner_only_and_not_in_what_is_printed(s3: S3, keeper: Keeper) -> None:
    path = keeper.folder.parent / "s3" / "keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert s3.secret_access_key not in repr(s3)


def test_killed_server_starts_again_with_its_objects_at_the_same_address(s3: S3, keeper: Keeper) -> None:
    process = psutil.Process(int(keeper._note("s3")["pid"]))
    process.kill()
    psutil.wait_procs([process], timeout=30)
    again = store.start(keeper, keeper.folder.parent / "s3")
    assert again == s3
    assert requests.get(f"{s3.endpoint}/{s3.bucket}/a/b", timeout=10).content == b"content"
