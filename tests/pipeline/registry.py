"""The engine as the registry that the task image comes from: it is published, made again, and withdrawn."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker

from tests.pipeline import images

OTHER_TAG = "0123456789ab"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A repository of this test run's own; `tag` is what the subject asks for."""

    owner: str
    tag: str

    @property
    def repository(self) -> str:
        """The repository's name, which no other test on this engine has."""
        return f"played.example/{self.owner}-{os.getpid()}"

    @property
    def name(self) -> str:
        """The image that the subject asks for."""
        return f"{self.repository}:{self.tag}"

    def publish(self, tag: str = "") -> list[Any]:
        """Publish the right image, or one that says that it is another; return what is mounted with it."""
        client = docker.from_env()
        made = images.task_image(client.api, tag=tag)
        assert client.images.get(made.name).tag(self.repository, self.tag)
        return made.mounts()

    @contextmanager
    def made_again(self) -> Iterator[None]:
        """Publish, for a while, an image that was made again from the same."""
        client = docker.from_env()
        container = client.containers.create(self.name, "true")
        made = container.commit(self.repository, self.tag)
        container.remove()
        try:
            yield
        finally:
            self.publish()
            client.images.remove(str(made.id))

    def withdraw(self) -> None:
        """Take the image away."""
        client = docker.from_env()
        if client.images.list(self.name):
            client.images.remove(self.name, noprune=True)
