"""The real S3 server below the faults: SeaweedFS on loopback, which can be killed and started again."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "releases"
ACCESS_KEY, SECRET_KEY = "faults", "planted-secret-of-the-bucket"  # a harness's own
PARTS = ("s3", "master", "volume", "filer")
TWIN = 10000  # it also listens on each port + 10000
LOWEST, HIGHEST = 20000, 22700
READY_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object as it lies in the bucket."""

    content: bytes = field(repr=False)
    kind: str
    metadata: Mapping[str, str]


@dataclass
class Server:
    """One `weed mini` with its data in a folder; `process` is None while it is down."""

    folder: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, without any proxy."""
        return "127.0.0.1", self.ports["s3"]

    @property
    def endpoint(self) -> str:
        """The same as a URL."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def start(self) -> None:
        """Run it and wait until the bucket can be written; anybody may read it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = self.ports or _free_ports()
        self.process = self._spawn()
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"SeaweedFS does not start: see {self.folder}/weed.log")
            time.sleep(0.05)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        argv = [str(Path(sys.prefix) / "bin" / "weed"), "-logtostderr=true", "mini", f"-dir={data}"]
        argv += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
        argv += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        argv += [f"-{part}.port={port}" for part, port in self.ports.items()]
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GOMEMLIMIT": "400MiB", **keys}
        with (self.folder / "weed.log").open("ab") as out:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True
            )

    def _is_ready(self) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        reading = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
        try:
            with suppress(self.client.exceptions.BucketAlreadyOwnedByYou):
                self.client.create_bucket(Bucket=BUCKET)
            policy = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
            self.client.put_bucket_policy(Bucket=BUCKET, Policy=policy)
            self.client.put_object(Bucket=BUCKET, Key=".faults", Body=b"ready")
            return bool(self.client.get_object(Bucket=BUCKET, Key=".faults")["Body"].read())
        except (BotoCoreError, ClientError):
            return False

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    @cached_property
    def client(self) -> "S3Client":
        """A client that goes straight to the server, past the proxy."""
        import boto3
        from botocore.config import Config

        config: Any = Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 2}, proxies={}, read_timeout=20
        )
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=config,
        )

    def keys(self) -> Iterator[str]:
        """Yield every key of the bucket."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def objects(self) -> Mapping[str, Stored]:
        """Return every object, whole."""
        found = {}
        for key in self.keys():
            one = self.client.get_object(Bucket=BUCKET, Key=key)
            found[key] = Stored(
                content=one["Body"].read(), kind=one["ContentType"], metadata=dict(one["Metadata"])
            )
        return found

    def put(self, key: str, stored: Stored) -> None:
        """Write an object, whatever lies there."""
        self.client.put_object(
            Bucket=BUCKET,
            Key=key,
            Body=stored.content,
            ContentType=stored.kind,
            Metadata=dict(stored.metadata),
        )

    def replace_all(self, objects: Mapping[str, Stored]) -> None:
        """Make the bucket hold exactly these objects."""
        for key in list(self.keys()):
            if key not in objects:
                self.client.delete_object(Bucket=BUCKET, Key=key)
        for key, stored in objects.items():
            self.put(key, stored)


def _free_ports() -> Mapping[str, int]:
    # Not in order: two harnesses that start at once would choose the same.
    shuffled = random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST)
    free = (port for port in shuffled if is_free(port) and is_free(port + TWIN))
    return {part: next(free) for part in PARTS}


def is_free(port: int) -> bool:
    """Say whether nothing listens on a port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
