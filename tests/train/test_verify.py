"""A real release is verified by the tasks: against git and bucket, alone, and by building it again."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.releaser import released
from tests.train.clone import Clone

pytestmark = [pytest.mark.train, pytest.mark.engine]

VERSION = "0.1.0"
PREFIX = f"buildpacks/config-server/{VERSION}"
ZIP = f"config-server_buildpack-cflinuxfs4-v{VERSION}.zip"
STATEMENT = f"config-server_buildpack-v{VERSION}.intoto.json"


@pytest.fixture(scope="module")
def signed(make_clone: Callable[[str], Clone]) -> Clone:
    """A clone whose release was signed."""
    clone = make_clone("signed")
    key = clone.local / "maintainer.pem"
    key.write_bytes(released.private_pem(released.MAINTAINER))
    key.with_name("maintainer.pub").write_bytes(released.public_pem(released.MAINTAINER))
    done = clone.inv("release", RELEASE_SIGNING_KEY_FILE=str(key))
    assert done.returncode == 0, done.stdout
    return clone


def verify(clone: Clone, *words: str) -> "subprocess.CompletedProcess[str]":
    return clone.inv("verify", *words)


def test_signed_release_is_verified_against_git_and_bucket(signed: Clone) -> None:
    key = f"--key={signed.local / 'maintainer.pub'}"
    done = verify(signed, VERSION, key)
    assert done.returncode == 0, done.stdout
    done = verify(signed, VERSION, key, "--json")
    rows = json.loads(done.stdout)
    assert all(row["ok"] and "warning" not in row["detail"] for row in rows)
    assert verify(signed, VERSION).returncode == 18  # nobody said whose signature it must be


def test_its_zip_is_verified_alone(signed: Clone, tmp_path: Path) -> None:
    for name in (ZIP, STATEMENT):
        signed.store().download_file("releases", f"{PREFIX}/{name}", str(tmp_path / name))
    key = f"--key={signed.local / 'maintainer.pub'}"
    done = verify(signed, f"--zip={tmp_path / ZIP}", key)
    assert done.returncode == 0, done.stdout
    (tmp_path / ZIP).write_bytes((tmp_path / ZIP).read_bytes() + b"x")
    assert verify(signed, f"--zip={tmp_path / ZIP}", key).returncode == 18


def test_it_is_rebuilt_by_the_code_of_its_tag_to_the_same_bytes(signed: Clone) -> None:
    done = verify(signed, "--rebuild", VERSION, "--json")
    assert done.returncode == 0, done.stdout
    rows = json.loads(done.stdout)
    assert [row["check"] for row in rows] == ["binary", "version", *["pins"] * 5, *["zip", "bytes"] * 2]
    assert all(row["ok"] and "warning" not in row["detail"] for row in rows)


def test_bucket_that_was_changed_is_found(signed: Clone) -> None:
    client = signed.store()
    client.put_object(Bucket="releases", Key=f"{PREFIX}/more.zip", Body=b"more")
    try:
        done = verify(signed, VERSION, f"--key={signed.local / 'maintainer.pub'}")
    finally:
        client.delete_object(Bucket="releases", Key=f"{PREFIX}/more.zip")
    assert done.returncode == 18, done.stdout
    assert f"{PREFIX}/more.zip belongs to no part of the release" in done.stdout
