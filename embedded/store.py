"""The embedded S3: SeaweedFS on loopback, and before it a front that only reads, where containers reach it.

SeaweedFS's filer port is open without authentication, so nothing of it is bound beyond 127.0.0.1. The front
listens on the gateway of the clone's network at a fixed name and port: URLs are equal in every clone.
"""

import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded import ports
from embedded.daemons import Daemon, Keeper
from embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "releases"
PROBE = ".embedded/ready"
HOST = "releases.embedded.internal"
FRONT_PORT = 7480
PUBLIC_URL = f"http://{HOST}:{FRONT_PORT}/{BUCKET}"
PORTS = ("s3", "master", "volume", "filer")
READY_S = 60.0
# Go's soft limit: without it SeaweedFS keeps the size of the largest object. Measured: at 250 MiB and below
# the collector of an idle server takes a tenth of a core; at 300 and above nothing of that is left.
MEMORY = "400MiB"


@dataclass(frozen=True, kw_only=True)
class S3:
    """How the bucket is written: on loopback, with keys."""

    endpoint: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


def start(keeper: Keeper, folder: Path) -> S3:
    """Run the server, or adopt the one that runs, and make sure of the bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    key, secret = _keys(folder / "keys.json")
    chosen = ports.choose(folder / "ports.json", dict.fromkeys(PORTS), twins=True, keep=keeper.running("s3"))
    environment = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "GOMEMLIMIT": MEMORY}
    daemon = Daemon(name="s3", argv=_argv(folder, chosen), environment=environment)
    endpoint = f"http://127.0.0.1:{chosen['s3']}"
    found = S3(endpoint=endpoint, bucket=BUCKET, access_key_id=key, secret_access_key=secret)
    if not keeper.adopt(daemon):
        keeper.start(daemon, lambda: keeper.listens("s3", chosen["s3"]), READY_S)
    _prepare(found)  # always: the start that made the server may have been killed before this
    return found


def _argv(folder: Path, chosen: Mapping[str, int]) -> list[str | Path]:
    weed = Path(sys.prefix) / "bin" / "weed"
    data = folder / "data"
    data.mkdir(exist_ok=True)
    listening = [f"-{name}.port={port}" for name, port in chosen.items()]
    return [
        *(weed, "-logtostderr=true", "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *listening,
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]


def _keys(path: Path) -> tuple[str, str]:
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        return str(found["id"]), str(found["secret"])
    made = {"id": f"embedded{secrets.token_hex(6)}", "secret": secrets.token_urlsafe(24)}
    growing = path.with_suffix(".new")
    growing.touch(mode=0o600)
    growing.write_text(json.dumps(made), encoding="utf-8")
    growing.replace(path)
    return made["id"], made["secret"]


def _client(s3: S3) -> "S3Client":
    import boto3
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 8}
    return boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name="us-east-1",
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, retries=retries, proxies={}),
    )


def _prepare(s3: S3) -> None:
    """Make the bucket, readable by everybody, and see an object come back.

    SeaweedFS honours policies, not the ACLs of objects. For a while after it listens it may know of no
    volume; then it answers InternalError, which is tried again.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    reading = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{s3.bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    client = _client(s3)
    try:
        if s3.bucket not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=s3.bucket)
        client.put_bucket_policy(Bucket=s3.bucket, Policy=policy)
        client.put_object(Bucket=s3.bucket, Key=PROBE, Body=b"The embedded S3 is ready.\n")
        client.get_object(Bucket=s3.bucket, Key=PROBE)["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise EmbeddedError(
            f"the embedded S3 at {s3.endpoint} does not make its bucket: {error}",
            "Stop it and run again: ./inv foundation stop",
        ) from error


def start_front(keeper: Keeper, programs: Path, gateway: str, s3: S3) -> None:
    """Run the front on the network's gateway: what PUBLIC_URL names, for those who resolve its host so."""
    daemon = Daemon(
        name="front",
        argv=[
            *(programs / "router", "front", "--listen", f"{gateway}:{FRONT_PORT}"),
            *("--upstream", s3.endpoint, "--prefix", f"/{s3.bucket}/"),
        ],
        code=(programs / "digest").read_text(encoding="utf-8"),
    )
    if not keeper.adopt(daemon):
        keeper.start(daemon, lambda: keeper.listens("front", FRONT_PORT), READY_S)
