"""What the pipeline's tests share: small worlds, an S3 server, and a tiny image that stands in a registry."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded import network
from embedded.environment import Embedded
from faults.store import Server
from tests.foundation.engine_fixtures import STACK, images
from tests.pipeline import world as worlds
from tests.pipeline.player.containers import Place
from tests.pipeline.player.plan import Build
from tests.pipeline.player.player import Player
from tests.pipeline.registry import OTHER_TAG
from tests.pipeline.small import Small
from tests.pipeline.world import State, World

__all__ = ["images"]
ROOT = Path(__file__).resolve().parents[2]
REPOSITORY, TAG = f"played.example/tiny-{os.getpid()}", "1"


@pytest.fixture(scope="session")
def owner() -> str:
    """The label's value of this clone's containers: `./inv clean` removes what a killed test leaves."""
    return network.labels(Embedded(ROOT).clone)["train.clone"]


@pytest.fixture
def small(tmp_path: Path, owner: str) -> Small:
    """A small world without an image: jobs of gets alone."""
    return Small(tmp_path, Player(folder=tmp_path / "played", credentials={}, place=Place(owner=owner)))


@pytest.fixture(scope="session")
def tiny(images: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    """A registry-image resource of a small image."""
    import docker

    client = docker.from_env()
    assert client.images.get(images[STACK]).tag(REPOSITORY, TAG)
    yield {"type": "registry-image", "source": {"repository": REPOSITORY, "tag": TAG}}
    client.images.remove(f"{REPOSITORY}:{TAG}", noprune=True)


@pytest.fixture
def running(small: Small, tiny: Mapping[str, object]) -> Iterator[Small]:
    """A small world whose tasks can run."""
    small.resources["image"] = dict(tiny)
    yield small
    small.player.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, bucket: Server, owner: str) -> Iterator[World]:
    """The scenarios' world, one for all of them; nothing has happened in it."""
    with worlds.making(tmp_path_factory.mktemp("world") / "world", bucket, owner) as made:
        made.begin()
        made.player.paused.add("check")
        yield made


@dataclass(frozen=True, kw_only=True)
class FirstRun:
    """What was seen on the way from an empty world to the first release."""

    pending: Mapping[str, Sequence[str]]
    early: Sequence[str]
    mismatched: Sequence[Build]
    builds: Sequence[Build]
    source: str
    accepted: State
    released: State


@pytest.fixture(scope="session")
def first(world: World) -> FirstRun:
    """The first run: set before there is an image; then a wrong one comes, then the right one."""
    source = world.refs()["refs/heads/main"]
    world.set_pipeline()
    early, pending = world.play(), world.player.waiting()
    world.publish_image(OTHER_TAG)
    mismatched = world.player.play()
    world.publish_image()
    builds = []
    for build in world.player.builds():
        builds.append(build)
        if build.job == "accept":
            accepted = world.keep("accepted")
    return FirstRun(
        pending=pending,
        early=early,
        mismatched=mismatched,
        builds=builds,
        source=source,
        accepted=accepted,
        released=world.keep("released"),
    )


@pytest.fixture
def released(world: World, first: FirstRun) -> World:
    """The world with its first release, whatever other tests have done since."""
    world.restore(first.released)
    return world


@pytest.fixture
def accepted(world: World, first: FirstRun) -> World:
    """The world when its first candidate is accepted, and `promote` is to run next."""
    world.restore(first.accepted)
    return world


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An S3 server with a bucket that anybody may read."""
    server = Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.kill()
