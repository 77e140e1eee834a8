"""A foundation that stages nothing real, behind a real port, and a bucket with published versions."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from foundation.listening import listen
from releaser import config
from releaser.model import Access, World, encode
from releaser.tools import cf
from releaser.tools.cf.transport import Transport
from releaser.tools.git import Repository
from releaser.tools.public import Public
from releaser.tools.s3 import Store
from tests import project
from tests.foundation.api.stand import Stand, running
from tests.foundation.api.talk import buildpack_zip

ROOT = project.ROOT
NAME = project.NAME
BUILDPACK = f"{NAME}_buildpack"
STACK = "cflinuxfs4"
Row = tuple[str, str | None, str | None, bool, str | None]
WRITES = ("POST", "PATCH", "DELETE")


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@dataclass(frozen=True)
class Bucket:
    """A world whose bucket holds what the test publishes."""

    world: World

    @property
    def prefix(self) -> str:
        return self.world.prefix()

    @property
    def here(self) -> Path:
        """The checkout, of which there is no more than its sidecar.yml."""
        return self.world.work.parent

    def put(self, key: str, content: bytes) -> None:
        store, digest = self.world.store, hashlib.sha256(content).hexdigest()
        metadata = {"sha256": digest}
        store.client.put_object(Bucket=store.bucket, Key=key, Body=content, Metadata=metadata)

    def objects(self) -> dict[str, str]:
        """Return the store's own tag of every object of this buildpack, but for what it tries."""
        store = self.world.store
        listing = store.client.list_objects_v2(Bucket=store.bucket, Prefix=f"{self.prefix}/")
        return {
            one["Key"]: one["ETag"] for one in listing.get("Contents", []) if "/.probe/" not in one["Key"]
        }

    def publish(
        self,
        *versions: str,
        stacks: Sequence[str] = (STACK,),
        variants: Sequence[str] = ("uncached", "cached"),
    ) -> None:
        """Put zips and a record of each version into the bucket."""
        for version in versions:
            rows = [self._zip(version, stack, one) for stack in stacks for one in variants]
            record: Mapping[str, Any] = {
                "name": NAME,
                "version": version,
                "tag": f"v{version}",
                "source": f"{version.replace('.', ''):0>40}",
                "zips": rows,
                "binaries": [],
                "acceptance": {},
            }
            self.put(f"{self.prefix}/{version}/release.json", encode(record))

    def _zip(self, version: str, stack: str, variant: str) -> Mapping[str, Any]:
        content = buildpack_zip(stack, note=f"{version} {variant}")
        cached = "-cached" if variant == "cached" else ""
        name = f"{BUILDPACK}{cached}-{stack}-v{version}.zip"
        self.put(f"{self.prefix}/{version}/{name}", content)
        return {
            "name": name,
            "stack": stack,
            "variant": variant,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "url": "",
        }


@dataclass(frozen=True)
class Site(Bucket):
    """That, a foundation, and an admin's session on it."""

    stand: Stand
    session: cf.Session

    def records(self) -> list[Row]:
        """Return every buildpack by position: name, stack, version, enabled, file."""
        return [
            (one.name, one.stack, one.labels.get("release-train.sidecar/version"), one.enabled, one.filename)
            for one in cf.all_buildpacks(self.session)
        ]

    def names(self) -> list[str]:
        return [row[0] for row in self.records()]

    def record(self, name: str = BUILDPACK) -> cf.Buildpack:
        (found,) = cf.find_buildpacks(self.session, name)
        return found

    def writes(self) -> "Writes":
        """Watch what is written to the foundation from now on."""
        return Writes()

    def stage(self, app: str, version: str, *, start: bool = True, asked: str = BUILDPACK) -> str:
        """Stage an app whose droplet then says that it holds this version of the buildpack."""
        row = {"key": asked, "name": NAME, "version": version}
        self.stand.stager.result["lifecycle_metadata"] = {"buildpacks": [row]}
        known = self.stand.get(f"/v3/apps?names={app}")["resources"]
        guid = known[0]["guid"] if known else self.stand.create_app(app)
        self.stand.assign(guid, self.stand.build(guid)["droplet"]["guid"])
        if start:
            self.stand.post(f"/v3/apps/{guid}/actions/start", status=200)
        del self.stand.stager.result["lifecycle_metadata"]
        return str(guid)


class Writes:
    """Counts the requests that change something, of every session that is made while it is entered."""

    def __init__(self, kill_after: int | None = None) -> None:
        self.kill_after = kill_after
        self.seen: list[str] = []

    def __enter__(self) -> "Writes":
        original = self._original = Transport.request

        def request(transport: Any, method: str, url: str, **more: Any) -> Any:
            answer = original(transport, method, url, **more)
            if method.upper() in WRITES and "/v3/" in url:
                self.seen.append(f"{method.upper()} {url.partition('/v3/')[2]}")
                if len(self.seen) == self.kill_after:
                    raise Killed
            return answer

        Transport.request = request  # type: ignore[assignment, method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Transport.request = self._original  # type: ignore[method-assign]


def world(folder: Path, store: Store, prefix: str, api: str, password: str) -> World:
    """Return a world of a checkout in a folder, whose releases lie below a prefix of its own."""
    layer: dict[str, dict[str, Any]] = {
        "s3": {"endpoint": store.endpoint, "bucket": store.bucket, "prefix": prefix},
        "git": {"remote": str(folder / "remote.git")},
        "foundation": {"name": "embedded", "api": api},
    }
    settings = folder / "sidecar.yml"
    settings.write_text(project.text(), encoding="utf-8")
    return World(
        config=config.with_sections(config.load(settings), layer),
        store=store,
        environment="embedded",
        public=Public(base=f"{store.endpoint}/{store.bucket}"),
        repository=Repository(directory=folder / "clone.git", remote=str(folder / "remote.git")),
        work=folder / "work",
        cache=folder / "cache",
        access=Access(user="admin", password=password),
        git_url=None,
    )


@contextmanager
def serve(folder: Path, store: Store, prefix: str) -> Iterator[Site]:
    """Run a foundation on a free port."""
    state = folder / "foundation"
    state.mkdir(parents=True)
    with listen("127.0.0.1:0") as socket:
        api = f"http://127.0.0.1:{socket.getsockname()[1]}"
        with running(state, api=api) as stand, _served(stand, socket):
            password = stand.world.auth.password
            session = cf.login(api, "admin", password)
            yield Site(world(folder, store, prefix, api, password), stand, session)


@contextmanager
def _served(stand: Stand, socket: Any) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(stand.app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    try:
        until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join()


def until(seen: Callable[[], object]) -> None:
    """Wait until something is seen."""
    for _ in range(6000):
        if seen():
            return
        time.sleep(0.01)
    raise AssertionError("it was not seen in a minute")
