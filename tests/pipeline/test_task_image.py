"""The task image as a task meets it: a checkout in a build folder, no network, and nothing else.

It is the one that is made of this machine, or, where TRAIN_TASK_IMAGE names one, that one.
"""

from pathlib import Path

import docker
import pytest
from docker.types import Mount

from tests.pipeline import images
from tests.pipeline.images import own_tag
from tests.train import clone as clones

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout without anything in .local."""
    return clones.snapshot(tmp_path_factory.mktemp("task") / "source")


def run(source: Path, script: str) -> tuple[int, str]:
    """Run shell in a task's folder, in a container without network; return its exit code and output."""
    engine = docker.from_env()
    image = images.task_image(engine.api)
    container = engine.containers.create(
        image.name,
        ["sh", "-c", f"mkdir /tmp/build && cd /tmp/build && cp -a /given source && {script}"],
        mounts=[*image.mounts(), Mount("/given", str(source), type="bind", read_only=True)],
        network_mode="none",
    )
    try:
        container.start()
        return int(container.wait()["StatusCode"]), container.logs().decode()
    finally:
        container.remove(v=True, force=True)


def test_task_starts_in_it_without_a_network(source: Path) -> None:
    code, said = run(source, "cd source && ./inv --list && ./inv image --tag && command -v dockerd")
    assert code == 0, said
    assert "Making the environment" not in said
    assert "accept" in said
    assert said.splitlines()[-2:] == [own_tag(), "/usr/local/bin/dockerd"]


def test_task_of_another_checkout_ends_before_it_begins(source: Path) -> None:
    code, said = run(source, "echo 'git=1' >source/ci/image/packages && cd source && ./inv build")
    assert code == 1, said
    assert f"the task image is {own_tag()}, but this checkout needs" in said
    assert "./inv image --push" in said
