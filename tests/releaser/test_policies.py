"""The policies of the pages, on a server that enforces them: enough for train and pipeline, and no more."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from embedded import ports
from embedded import store as embedded_store
from embedded.daemons import Daemon, Keeper
from releaser.errors import StoreError
from releaser.tools.patience import Patience
from releaser.tools.s3 import Keys, Store

pytestmark = pytest.mark.slow
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("publishing.md", "pipeline.md"))
BUCKET, PRIVATE, PREFIX = "example-bucket", "private-bucket", "buildpacks/config-server"
OWNER = Keys(access_key_id="owner", secret_access_key=secrets.token_hex(12))
USERS = iter(range(100))


def policy(name: str) -> dict[str, Any]:
    """Return the document of the pages that has this name."""
    found = re.search(rf"^```json {name}\n(.+?)^```", PAGES, re.MULTILINE | re.DOTALL)
    assert found
    return dict(json.loads(found.group(1)))


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without one action."""
    rows = []
    for one in document["Statement"]:
        named = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
        left = [name for name in named if name != action]
        rows += [{**one, "Action": left}] if left else []
    return {**document, "Statement": rows}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server of its own: one whose users and their policies can be changed."""
    folder = tmp_path_factory.mktemp("policies")
    chosen = ports.choose(folder / "ports.json", dict.fromkeys(embedded_store.PORTS), twins=True, keep=False)
    environment = {
        "AWS_ACCESS_KEY_ID": OWNER.access_key_id,
        "AWS_SECRET_ACCESS_KEY": OWNER.secret_access_key,
        "GOMEMLIMIT": embedded_store.MEMORY,
    }
    argv = [*embedded_store._argv(folder, chosen), "-s3.iam.readOnly=false"]
    keeper = Keeper(folder=folder / "daemons", clone=f"test-{secrets.token_hex(6)}")
    daemon = Daemon(name="s3", argv=argv, environment=environment)
    try:
        keeper.start(daemon, lambda: keeper.listens("s3", chosen["s3"]), embedded_store.READY_S)
        url = f"http://127.0.0.1:{chosen['s3']}"
        owner = store_of(url, OWNER)
        for bucket in (BUCKET, PRIVATE):
            owner.client.create_bucket(Bucket=bucket)
        document = json.dumps(policy("public"))
        owner.client.put_bucket_policy(Bucket=BUCKET, Policy=document)
        owner.put("elsewhere/secret", b"x", "text/plain", cache_control="no-cache")
        rootfs = "buildpacks/rootfs/rootfs-1.tar"
        store_of(url, OWNER, PRIVATE).put(rootfs, b"x", "application/x-tar", cache_control="no-cache")
        yield url
    finally:
        keeper.stop("s3", 0.2)


def store_of(endpoint: str, keys: Keys, bucket: str = BUCKET) -> Store:
    patience = Patience(attempts=3, first=0.05)
    scratch = f"{PREFIX}/.probe/"
    return Store(endpoint, "us-east-1", bucket, keys, patience=patience, scratch=scratch)


@pytest.fixture
def user(endpoint: str) -> Callable[..., Store]:
    """Return what makes a user with some policies, and gives the store as that user sees it."""
    iam: Any = boto3.client(  # no stubs of IAM are installed
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=OWNER.access_key_id,
        aws_secret_access_key=OWNER.secret_access_key,
    )

    def make(*policies: dict[str, Any], bucket: str = BUCKET) -> Store:
        name = f"user{next(USERS)}"
        iam.create_user(UserName=name)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        for number, document in enumerate(policies):
            text = json.dumps(document).replace(BUCKET, bucket)
            iam.put_user_policy(UserName=name, PolicyName=f"p{number}", PolicyDocument=text)
        keys = Keys(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"])
        return store_of(endpoint, keys, bucket)

    return make


def everything(store: Store, folder: str) -> None:
    """Do each thing that a train does, pruning apart."""
    content, key = folder.encode(), f"{PREFIX}/{folder}/a"
    digest = hashlib.sha256(content).hexdigest()
    assert store.remarks() == []
    assert store.head(key) is None
    assert store.put_new(key, content, digest=digest, kind="text/plain")
    assert store.copy_new(key, f"{key}2", digest=digest, kind="text/plain")
    store.require_stored(f"{key}2", digest)
    assert store.read(key) == content
    assert [row.key for row in store.list(f"{PREFIX}/{folder}/")] == [key, f"{key}2"]
    store.put(f"{PREFIX}/index.html", content, "text/html", cache_control="no-cache")


def test_train_can_do_all_that_it_does(user: Callable[..., Store]) -> None:
    everything(user(policy("train")), "1.0.0")


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_train_needs_each_action_of_its_policy(user: Callable[..., Store], action: str) -> None:
    """In a bucket whose own policy gives nothing away: what everybody may, the train may too."""
    lacking, whole = without(policy("train"), action), policy("train")
    everything(user(whole, bucket=PRIVATE), f"before-{action[3:]}")
    with pytest.raises((StoreError, AssertionError)):
        everything(user(lacking, bucket=PRIVATE), f"without-{action[3:]}")


FORBIDDEN: dict[str, Callable[[Store], object]] = {
    "write elsewhere": lambda one: one.put("elsewhere/a", b"x", "text/plain", cache_control="no-cache"),
    "read elsewhere": lambda one: one.client.get_object(Bucket=BUCKET, Key="elsewhere/secret"),
    "copy from elsewhere": lambda one: one.client.copy_object(
        Bucket=BUCKET, Key=f"{PREFIX}/stolen", CopySource=f"{BUCKET}/elsewhere/secret"
    ),
    "list the bucket": lambda one: one.list(""),
    "list elsewhere": lambda one: one.list("elsewhere/"),
    "delete": lambda one: one.delete([f"{PREFIX}/.probe/put"]),
    "change the bucket's policy": lambda one: one.client.delete_bucket_policy(Bucket=BUCKET),
    "make a bucket": lambda one: one.client.create_bucket(Bucket="another"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_train_can_do_nothing_else(user: Callable[..., Store], what: str) -> None:
    store = user(policy("train"))
    assert store.conditions.put
    with pytest.raises(Exception, match="AccessDenied"):
        FORBIDDEN[what](store)


def test_who_prunes_can_delete_what_is_the_trains_and_nothing_else(user: Callable[..., Store]) -> None:
    store, digest = user(policy("train"), policy("prune")), hashlib.sha256(b"x").hexdigest()
    left = [f"{PREFIX}/candidates/1-abc/a.zip", f"{PREFIX}/3.0.0/source.json"]
    for key in left:
        store.put_new(key, b"x", digest=digest, kind="application/zip")
    store.delete(left)
    assert [store.head(key) for key in left] == [None, None]
    with pytest.raises(StoreError, match="AccessDenied"):
        store.delete(["elsewhere/secret"])


def concourse(store: Store, number: int) -> None:
    """Do each thing that Concourse's s3 resource does for ci/pipeline.yml, as its source does it."""
    client, bucket, ready = store.client, store.bucket, f"{PREFIX}/candidates/{number}-abc/ready.json"
    client.put_object(Bucket=bucket, Key=ready, Body=b"{}", ACL="private", ContentType="application/json")
    for folder in (f"{PREFIX}/candidates/", "buildpacks/rootfs/"):
        client.list_objects_v2(Bucket=bucket, Prefix=folder, Delimiter="/")
    for key in (ready, "buildpacks/rootfs/rootfs-1.tar"):
        client.head_object(Bucket=bucket, Key=key)
        client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_concourse_can_do_all_that_the_pipeline_asks_of_it(user: Callable[..., Store]) -> None:
    concourse(user(policy("train"), policy("pipeline"), bucket=PRIVATE), 1)


# An access control list in a PUT needs a right of its own on AWS, as that documents, and none on this server.
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:ListBucket"])
def test_concourse_needs_each_action_of_its_policy(user: Callable[..., Store], action: str) -> None:
    store = user(policy("train"), without(policy("pipeline"), action), bucket=PRIVATE)
    with pytest.raises(Exception, match=r"AccessDenied|403"):
        concourse(store, 2)


def test_concourse_writes_no_root_file_system_and_deletes_nothing(user: Callable[..., Store]) -> None:
    client = user(policy("train"), policy("pipeline"), bucket=PRIVATE).client
    with pytest.raises(Exception, match="AccessDenied"):
        client.put_object(Bucket=PRIVATE, Key="buildpacks/rootfs/rootfs-2.tar", Body=b"x")
    with pytest.raises(Exception, match="AccessDenied"):
        client.delete_object(Bucket=PRIVATE, Key="buildpacks/rootfs/rootfs-1.tar")


def test_anybody_reads_what_is_published_and_nothing_more(endpoint: str, user: Callable[..., Store]) -> None:
    content = b"published"
    user(policy("train")).put_new(
        f"{PREFIX}/2.0.0/a", content, digest=hashlib.sha256(content).hexdigest(), kind="text/plain"
    )
    there = f"{endpoint}/{BUCKET}"
    assert requests.get(f"{there}/{PREFIX}/2.0.0/a", timeout=10).content == content
    refused = [
        requests.get(f"{there}/elsewhere/secret", timeout=10),
        requests.get(f"{there}?list-type=2&prefix={PREFIX}/", timeout=10),
        requests.put(f"{there}/{PREFIX}/2.0.0/b", data=b"x", timeout=10),
        requests.delete(f"{there}/{PREFIX}/2.0.0/a", timeout=10),
    ]
    assert [one.status_code for one in refused] == [403] * 4
