"""One worker's world: a bucket behind the proxy, a remote behind the gate, a clone that releases to them."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from faults import store, subject
from faults.gate import Gate
from faults.proxy import Proxy
from faults.store import Server, Stored
from faults.watch import Event, Watch

WAITING = 11  # the exit code of a release that somebody has to merge
PROXY_PORT, GATE_PORT = 18741, 18742  # of the first worker, where they are free: pins hold them
PASSWORD = "planted-password-of-the-foundation"  # noqa: S105  # a harness's own
OTHER_KEY = "planted-secret-that-is-wrong"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A state that runs begin at, and what an undisturbed release of it sees and leaves."""

    name: str
    folder: Path  # `remote.git` and `clone`
    objects: Mapping[str, Stored] = field(repr=False)
    manner: str = ""  # how somebody merges where main is protected
    events: tuple[Event, ...] = ()
    later: tuple[Event, ...] = ()  # of the release that follows when somebody has merged
    seconds: float = 0.0
    begin: Mapping[str, str] = field(default_factory=dict, repr=False)  # refs and objects
    end: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass
class World:
    """All that one worker has; runs follow each other in it."""

    folder: Path
    number: int
    checkout: Path = subject.CHECKOUT  # whose code is released

    @cached_property
    def server(self) -> Server:
        """The S3 server."""
        return Server(self.folder / "s3")

    @cached_property
    def proxy(self) -> Proxy:
        """What the train believes to be the S3 server."""
        return Proxy(self.server)

    @cached_property
    def gate(self) -> Gate:
        """The git server."""
        return Gate(self.remote)

    @property
    def remote(self) -> Path:
        """The bare repository."""
        return self.folder / "remote.git"

    @property
    def clone(self) -> Path:
        """The clone that releases."""
        return self.folder / "clone"

    @property
    def rival(self) -> Path:
        """Another machine's clone."""
        return self.folder / "rival"

    def start(self) -> None:
        """Start both servers, and write the subject."""
        self.folder.mkdir(parents=True)
        self.server.start()
        ports = _ports(self.number)
        self.proxy.start(ports[0])
        self.gate.start(ports[1])
        self.endpoint = f"http://127.0.0.1:{ports[0]}"
        remote = f"git://127.0.0.1:{ports[1]}/{self.remote.name}"
        subject.make(self.clone, self.checkout, endpoint=self.endpoint, remote=remote)
        copying = ("clone", "--quiet", "--bare", "--template=")
        subject.git(self.folder, *copying, str(self.clone), self.remote.name)

    def stop(self) -> None:
        """End all of it, and remove the files."""
        self.proxy.stop()
        self.gate.stop()
        self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def watch(self, watch: Watch) -> None:
        """Tell both servers which strikes wait."""
        self.proxy.watch = self.gate.watch = watch

    def keep(self, name: str) -> Baseline:
        """Copy the state as it is, for runs to begin at."""
        folder = self.folder / "baselines" / name
        shutil.copytree(self.remote, folder / "remote.git")
        shutil.copytree(self.clone, folder / "clone", symlinks=True)
        return Baseline(name=name, folder=folder, objects=self.server.objects())

    def restore(self, baseline: Baseline) -> None:
        """Put bucket, remote and clone back to a state."""
        self.proxy.settle()
        self.proxy.corrupted.clear()
        self.proxy.forgotten.clear()
        for path in (self.remote, self.clone, self.rival):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(baseline.folder / "remote.git", self.remote)
        for path in (self.clone, self.rival):
            shutil.copytree(baseline.folder / "clone", path, symlinks=True)
        self.server.replace_all(baseline.objects)

    def merge(self, manner: str) -> None:
        """Let somebody merge what waits for it."""
        form = ("for-each-ref", "--format=%(refname:short)", "refs/heads")
        branches = subject.git(self.remote, *form).splitlines()
        waiting = [name for name in branches if name != "main" and not name.startswith("candidate/")]
        for branch in waiting:
            subject.merge(self.remote, self.folder / "scratch", branch, manner)

    @cached_property
    def home(self) -> Path:
        """The home folder of whoever releases."""
        path = self.folder / "home"
        path.mkdir()
        return path

    def environment(self) -> Mapping[str, str]:
        """Return what the release gets of the host, and its secrets."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "NO_PROXY": "127.0.0.1",
            "AWS_ACCESS_KEY_ID": store.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": store.SECRET_KEY,
            "RELEASE_SIGNING_KEY": signing_key(),
            "CF_USERNAME": "somebody",
            "CF_PASSWORD": PASSWORD,
        }


@cache
def signing_key() -> str:
    """Return a key, always the same one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"faults").digest())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def secrets() -> tuple[str, ...]:
    """Return what must be found nowhere."""
    return (store.SECRET_KEY, PASSWORD, OTHER_KEY, signing_key().splitlines()[1])


def _ports(number: int) -> tuple[int, int]:
    """Return the ports of proxy and gate: the same ones from session to session where they are free."""
    step = 10 * number
    while not (store.is_free(PROXY_PORT + step) and store.is_free(GATE_PORT + step)):
        step += 100
    return PROXY_PORT + step, GATE_PORT + step
