"""Toy releases that are published and signed, for what verifies them."""

import hashlib
import io
import json
import os
import random
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from releaser import candidate
from releaser.evidence import provenance, sbom, signing
from releaser.model import encode, sha256
from releaser.tools import ed25519, go, zips
from releaser.tools.ed25519 import Public as Key
from releaser.verify.rows import Row
from tests.releaser.snapshots import Snapshots
from tests.releaser.toy import CACHE, Stage

SIGNED = "signed"


def private_pem(seed: int) -> bytes:
    """Return a private key that is the same for the same seed."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(seed: int) -> bytes:
    """Return the public half."""
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


MAINTAINER, SOMEBODY = 1, 2
KEY: Key = ed25519.read_public(public_pem(MAINTAINER))


@contextmanager
def signing_key(seed: int) -> Iterator[None]:
    """Let the train sign with this key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(signing.KEY, private_pem(seed).decode())
        yield


def open_signed(snapshots: Snapshots, folder: Path) -> Stage:
    """Fill a folder and the bucket with a published and signed release; it is made once."""
    if SIGNED not in snapshots.objects:
        stage = snapshots.open("accept", snapshots.folder / SIGNED)
        stage.world.repository.fetch()
        with signing_key(MAINTAINER):
            stage.do("promote")
        snapshots.objects[SIGNED] = {
            key: (stage.store.read(key) or b"", stage.digest(key)) for key in stage.objects()
        }
    return snapshots.open(SIGNED, folder)


def name_of(stage: Stage, what: str) -> str:
    """Return the name of a public object of the release, by what it is."""
    prefix = f"{stage.release.public_prefix}/"
    names = [key.removeprefix(prefix) for key in stage.objects() if key.startswith(prefix)]
    return next(name for name in names if name.startswith(f"{what}-") or name == what)


def content(stage: Stage, name: str) -> bytes:
    """Return a public object's bytes."""
    found = stage.store.client.get_object(Bucket=stage.store.bucket, Key=_key(stage, name))
    return bytes(found["Body"].read())


def replace(stage: Stage, name: str, new: bytes) -> None:
    """Put other bytes under a public name, with metadata that vouches for them."""
    stage.overwrite(_key(stage, name), new, hashlib.sha256(new).hexdigest())


def remove(stage: Stage, name: str) -> None:
    """Delete a public object."""
    stage.delete(_key(stage, name))


def edit_record(stage: Stage, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record and write it as the train would."""
    record = json.loads(content(stage, "release.json"))
    change(record)
    replace(stage, "release.json", encode(record))


def _key(stage: Stage, name: str) -> str:
    return f"{stage.release.public_prefix}/{name}"


def flipped(raw: bytes, choice: random.Random) -> bytes:
    """Return the bytes with one bit of one of them turned."""
    at = choice.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << choice.randrange(8)]) + raw[at + 1 :]


def wrong(rows: list[Row]) -> list[str]:
    """Return what failed, one line each."""
    return [f"{row.check}: {row.detail}" for row in rows if not row.ok]


def repacked(raw: bytes, changes: Mapping[str, bytes]) -> bytes:
    """Return a zip with other contents of some entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            new.writestr(info, changes.get(info.filename, old.read(info)))
    return made.getvalue()


def republish(stage: Stage, name: str, new: bytes) -> None:
    """Put another zip, and let all that an unsigned release says agree with it."""
    path = stage.release.folder / "repacked" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(new)
    entries = [
        {"path": one.path, "mode": f"{one.mode:04o}", "sha256": one.digest, "size": one.size}
        for one in zips.entries(path)
    ]
    replace(stage, name, new)

    def change(found: dict[str, Any]) -> None:
        row = next(one for one in found["zips"] if one["name"] == name)
        row.update(sha256=_digest(new), size=len(new), entries=entries)
        documents = sbom.documents(stage.release, {one["name"]: one["entries"] for one in found["zips"]})
        for document in found["documents"]:
            text = documents[document["name"]]
            document.update(sha256=_digest(text), size=len(text))
            replace(stage, document["name"], text)
        _resay(stage, found)

    edit_record(stage, change)


def _resay(stage: Stage, found: Mapping[str, Any]) -> None:
    """Write SHA256SUMS and the unsigned statement anew, as the record says."""
    files = {one["name"]: one["sha256"] for one in (*found["zips"], *found["documents"])}
    files |= {one["key"].rpartition("/")[2]: one["sha256"] for one in found["binaries"]}
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()
    replace(stage, "SHA256SUMS", sums)
    ready = candidate.ready(stage.release)
    assert ready is not None
    payload = provenance.statement(stage.release, ready, {**files, "SHA256SUMS": _digest(sums)})
    name = f"{stage.release.name}_buildpack-{stage.release.tag}.intoto.json"
    replace(stage, name, provenance.envelope(payload, None))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def publish_binary(stage: Stage, flags: list[str], version: str, **env: str) -> str:
    """Publish a binary that was compiled otherwise, let the record name it, and return its name."""
    path, source = stage.here.parent / "other", stage.here / "sidecar_src"
    program = go.find(stage.world.config.go.version)
    linked = ["-ldflags", f"-s -w -buildid= -X main.version={version}"]
    done = subprocess.run(
        [program, "build", *flags, *linked, "-o", path, "."],
        cwd=source,
        env={"PATH": os.environ["PATH"], **go.environment(CACHE, "linux/amd64"), **env},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    name = f"toy-linux-amd64-{sha256(path)[:12]}"
    replace(stage, name, path.read_bytes())
    key = _key(stage, name)
    row = {
        "key": key,
        "sha256": sha256(path),
        "size": path.stat().st_size,
        "url": stage.world.public.url(key),
    }
    edit_record(stage, lambda found: found["binaries"][0].update(row))
    return name
