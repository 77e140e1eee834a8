"""The scenarios' world: a bucket, a git server and a registry that containers reach, and a pipeline in it."""

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import docker

from faults import store, world
from faults.store import Server, Stored
from faults.subject import EPOCH, git
from tests import fork
from tests.pipeline import forward, git_server, images, subject
from tests.pipeline.git_server import GitServer
from tests.pipeline.player.containers import Place
from tests.pipeline.player.history import History
from tests.pipeline.player.plan import Build
from tests.pipeline.player.player import Player
from tests.pipeline.registry import Registry

NAME = "buildpack.git"
PREFIX = f"{fork.PREFIX}/{fork.NAME}/"


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of the world that scenarios begin at."""

    folder: Path
    objects: Mapping[str, Stored] = field(repr=False)
    history: History = field(repr=False)
    config: Any = field(repr=False)


@dataclass
class World:
    """All that the pipeline works with."""

    folder: Path
    bucket: Server
    server: GitServer
    endpoint: str
    player: Player
    registry: Registry
    pushed: int = 0

    @property
    def remote(self) -> Path:
        """The bare repository."""
        return self.folder / "git" / NAME

    def begin(self) -> None:
        """Make the repository, with one commit and no tag."""
        root = self.folder / "subject"
        places = {"endpoint": self.endpoint, "remote": f"{self.server.url}/{NAME}"}
        subject.make(root, {**places, "image": self.registry.repository}, self.registry.tag)
        git(root, "init", "--quiet", "--initial-branch=main", "--template=")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "-m", "feat: everything")
        git(root, "clone", "--quiet", "--bare", "--template=", str(root), str(self.remote))

    def set_pipeline(self) -> None:
        """Do what the maintainer does once: fly set-pipeline -c ci/pipeline.yml -l sidecar.yml."""
        texts = [git(self.remote, "show", f"main:{path}") for path in ("ci/pipeline.yml", "sidecar.yml")]
        self.player.set(*texts)

    def push(self, message: str, files: Mapping[str, str | None]) -> str:
        """Let somebody push to main, None removes a file; return the commit."""
        scratch = self.folder / "scratch"
        git(self.remote, "worktree", "add", "--quiet", "--detach", str(scratch), "main")
        for name, text in files.items():
            path = scratch / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text, encoding="utf-8")
        self.pushed += 1
        git(scratch, "add", "--all")
        git(scratch, "commit", "--quiet", "-m", message, epoch=EPOCH + 60 * self.pushed)
        made = git(scratch, "rev-parse", "HEAD")
        git(self.remote, "worktree", "remove", "--force", str(scratch))
        git(self.remote, "update-ref", "refs/heads/main", made)
        return made

    def read(self, path: str, at: str = "main") -> str:
        """Return a file of a commit."""
        return git(self.remote, "show", f"{at}:{path}") + "\n"

    def publish_image(self, tag: str = "") -> None:
        """Publish the task image, or one that says that it is another, and play with it."""
        self.player.place = replace(self.player.place, mounts=self.registry.publish(tag))

    def play(self) -> list[str]:
        """Play, and return the jobs that ran, with how they ended."""
        return [f"{build.job} {build.status}" for build in self.player.play()]

    def refs(self) -> dict[str, str]:
        """Return the remote's refs."""
        rows = git(self.remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(row.split(" ") for row in rows)

    def keys(self) -> list[str]:
        """Return the keys of the buildpack, from its name on."""
        found = self.bucket.client.list_objects_v2(Bucket=store.BUCKET, Prefix=PREFIX)
        return [row["Key"].removeprefix(PREFIX) for row in found.get("Contents", [])]

    def objects(self) -> Mapping[str, str]:
        """Return the digest of each object of the buildpack."""
        found = self.bucket.objects().items()
        return {
            key.removeprefix(PREFIX): hashlib.sha256(one.content).hexdigest()
            for key, one in found
            if key.startswith(PREFIX)
        }

    def record(self, version: str) -> Mapping[str, Any]:
        """Return the record of a published version."""
        key = f"{PREFIX}{version}/release.json"
        body = self.bucket.client.get_object(Bucket=store.BUCKET, Key=key)["Body"].read()
        return dict(json.loads(body))

    def keep(self, name: str) -> State:
        """Copy the world as it is."""
        folder = self.folder / "states" / name
        shutil.copytree(self.remote, folder)
        history = copy.deepcopy(self.player.history)
        return State(folder=folder, objects=self.bucket.objects(), history=history, config=self.player.config)

    def restore(self, state: State) -> None:
        """Put the world back to a state."""
        shutil.rmtree(self.remote)
        shutil.copytree(state.folder, self.remote)
        self.publish_image()
        self.bucket.replace_all(state.objects)
        self.player.history, self.player.config = copy.deepcopy(state.history), state.config
        self.player.strike = lambda _task: False
        self.player.paused = {"check"}  # it takes longer than all the others, and publishes nothing
        self.server.told.clear()


def secrets() -> Mapping[str, str]:
    """Return what the credential manager has; `failure_url` is added, since it is no secret."""
    return {
        "s3_access_key_id": store.ACCESS_KEY,
        "s3_secret_access_key": store.SECRET_KEY,
        "git_username": git_server.USER,
        "git_password": git_server.PASSWORD,
        "cf_username": "somebody",
        "cf_password": world.PASSWORD,
        "webhook_token": "planted-token",
        "signing_key": world.signing_key(),
    }


def said(builds: list[Build]) -> str:
    """Return all that builds have printed."""
    return "\n".join(f"--- {build.job}\n{build.output}" for build in builds)


def _gateway() -> str:
    """Return this host's address in the engine's own network.

    An engine that has made this network in this life names no gateway: it is then the first address.
    """
    (config,) = docker.from_env().networks.get("bridge").attrs["IPAM"]["Config"]
    return str(config.get("Gateway") or ip_network(config["Subnet"])[1])


@contextmanager
def making(folder: Path, bucket: Server, owner: str) -> Iterator[World]:
    """Yield a world whose servers run on the gateway of the engine's network."""
    gateway = _gateway()
    (folder / "git").mkdir(parents=True)
    with ExitStack() as stack:
        server = stack.enter_context(git_server.serving(folder / "git", gateway))
        endpoint = stack.enter_context(forward.forwarding(gateway, bucket.address))
        credentials = {**secrets(), "failure_url": f"{server.url}{git_server.HOOK}"}
        player = Player(folder=folder / "played", credentials=credentials, place=Place(owner=owner))
        registry = Registry(owner=owner, tag=images.own_tag())
        made = World(folder, bucket, server, endpoint, player, registry)
        stack.callback(registry.withdraw)
        stack.callback(player.close)
        yield made
