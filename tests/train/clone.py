"""A clone of this checkout with an embedded environment of its own, and what can be seen of its releases."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.environment import Embedded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = ("env", "uv", "cache", "programs")  # what only saves time
DATE = "@1767225600 +0000"
AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.com"), ("DATE", DATE))
}
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Clone:
    """A checkout at `root` that is committed and has released nothing."""

    root: Path

    @property
    def local(self) -> Path:
        """What the project keeps there."""
        return self.root / ".local"

    @property
    def remote(self) -> Path:
        """The embedded git remote."""
        return self.local / "embedded" / "git" / "buildpack.git"

    @property
    def identity(self) -> str:
        """What tells the clone's things in the engine from those of others."""
        return Embedded(self.root).clone

    @property
    def endpoint(self) -> str:
        """The embedded S3's address."""
        port = json.loads((self.local / "embedded/s3/ports.json").read_text())["s3"]
        return f"http://127.0.0.1:{port}"

    def git(self, *args: str, at: Path | None = None) -> str:
        """Run git in the clone, or in another repository, and return what it prints."""
        argv = ["git", "-C", str(at or self.root), *args]
        env = {**environment(), **AUTHOR}
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=env).stdout.strip()

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        """Write files, commit them, and return the commit."""
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def inv(self, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run ./inv to its end, with these variables besides."""
        return subprocess.run(
            [str(self.root / "inv"), *args],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**environment(), **env},
        )

    def release(self) -> str:
        """Release, which has to work, and return what was printed."""
        done = self.inv("release")
        assert done.returncode == 0, done.stdout
        return done.stdout

    def release_killed_when(self, seen: Callable[[], bool]) -> None:
        """Release, and SIGKILL the whole process group as soon as something is seen in the world."""
        self.inv_killed_when(seen, "release")

    def inv_killed_when(self, seen: Callable[[], bool], *args: str) -> None:
        """Run ./inv, and SIGKILL the whole process group as soon as something is seen in the world."""
        log = self.local / "killed.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(self.root / "inv"), *args],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment(),
                start_new_session=True,
            )
            deadline = time.monotonic() + PATIENCE_S
            while not seen():
                assert process.poll() is None, f"it ended unseen:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"nothing was seen:\n{log.read_text()}"
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it had ended before it was killed"

    def refs(self) -> Mapping[str, str]:
        """Return the remote's refs, but for what was handed in."""
        if not self.remote.exists():
            return {}
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", at=self.remote).splitlines()
        rows = dict(line.split(" ") for line in lines)
        return {name: commit for name, commit in rows.items() if name != "refs/heads/incoming"}

    def store(self) -> "S3Client":
        """Return a client of the embedded bucket; raises FileNotFoundError before it is there."""
        import boto3

        keys = json.loads((self.local / "embedded/s3/keys.json").read_text())
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=keys["id"],
            aws_secret_access_key=keys["secret"],
        )

    def object_keys(self) -> list[str]:
        """Return the keys of all objects; none where the bucket does not answer yet."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self.store().list_objects_v2(Bucket="releases", Prefix="buildpacks/")
        except (BotoCoreError, ClientError, OSError, ValueError):
            return []
        return [one["Key"] for one in found.get("Contents", [])]

    def objects(self) -> Mapping[str, str]:
        """Return the digest of every object."""
        client = self.store()
        return {
            key: hashlib.sha256(client.get_object(Bucket="releases", Key=key)["Body"].read()).hexdigest()
            for key in self.object_keys()
        }

    def record(self, version: str) -> Mapping[str, object]:
        """Return a published version's release.json."""
        key = f"buildpacks/config-server/{version}/release.json"
        body = self.store().get_object(Bucket="releases", Key=key)["Body"].read()
        return dict(json.loads(body))

    def share(self) -> None:
        """Begin `.local/`, with the checkout's own caches in it."""
        self.local.mkdir()
        for name in SHARED:
            (CHECKOUT / ".local" / name).mkdir(parents=True, exist_ok=True)
            (self.local / name).symlink_to(CHECKOUT / ".local" / name)

    def forget_local_files(self) -> None:
        """Delete what a release keeps outside bucket and remote."""
        shutil.rmtree(self.local / "releases", ignore_errors=True)


def environment() -> Mapping[str, str]:
    """Return what `env -i` would leave but for what finding programs and mirrors needs."""
    kept = ("PATH", "HOME", "DOCKER_HOST", "SSL_CERT_FILE", "GOPROXY", "GOSUMDB")
    proxies = ("http_proxy", "https_proxy", "no_proxy")
    found = {name: value for name, value in os.environ.items() if name in kept or name.lower() in proxies}
    return {**found, "GIT_CONFIG_GLOBAL": os.devnull}


def snapshot(root: Path) -> Path:
    """Copy the checkout as it is, uncommitted changes included, and commit it with a fixed date."""
    root.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, root / name, follow_symlinks=False)
    clone = Clone(root)
    clone.git("init", "--quiet", "--initial-branch=main")
    clone.commit("feat: everything", {})
    return root


def make(original: Path, root: Path) -> Clone:
    """Copy a snapshot; the clones of one snapshot release the same source."""
    shutil.copytree(original, root, symlinks=True)
    clone = Clone(root)
    clone.share()
    return clone
