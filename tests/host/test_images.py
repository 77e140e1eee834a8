"""The engine's images, whole: from a tar, by a build whose stage goes, through a file, to a registry."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from host import images
from host.errors import HostError
from host.machine import here
from host.probe import client

pytestmark = pytest.mark.engine
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS made
COPY handed /handed
ARG BUILD
LABEL train.build=${BUILD} train.stage=NAME
FROM ${BASE}
COPY --from=made /handed/wanted /wanted
"""


@pytest.fixture
def name() -> Iterator[str]:
    """A name that no image has; what is called so is removed."""
    repository = f"train-tests-{uuid4()}"
    yield f"{repository}:1"
    with client(here()) as engine:
        for image in engine.images(repository):
            for tag in image["RepoTags"]:
                engine.remove_image(tag, force=True)


@pytest.fixture
def base(name: str, tmp_path: Path) -> str:
    """An image of one file."""
    with tarfile.open(tmp_path / "base.tar", "w") as tar:
        row = tarfile.TarInfo("base")
        row.size = 4
        tar.addfile(row, io.BytesIO(b"base"))
    image = name.replace(":1", ":base")
    images.take_in(tmp_path / "base.tar", image, {"train.tests": "yes"})
    return image


def inspected(image: str) -> Any:
    with client(here()) as engine:
        raw: Any = engine  # the stubs leave what this call takes untyped
        return raw.inspect_image(image)


def test_build_keeps_nothing_of_the_stage_and_of_the_proxies(
    base: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    folder = tmp_path / "context"
    (folder / "handed").mkdir(parents=True)
    (folder / "Dockerfile").write_text(DOCKERFILE.replace("NAME", name))
    (folder / "handed/wanted").write_text("wanted")
    (folder / "handed/secret").write_text("secret")
    said: list[str] = []
    images.build(folder, name, base, {"train.tests": "yes"}, said.append)
    assert any("Successfully" in line for line in said)
    assert images.there(name)
    with client(here()) as engine:
        raw: Any = engine
        left = raw.images(all=True, filters={"label": f"train.stage={name}"})
        history = str(raw.history(name))
    assert left == []
    assert "proxy.example" not in history + str(inspected(name)["Config"])
    assert inspected(name)["Config"]["Labels"] == {"train.tests": "yes"}
    assert len(inspected(name)["RootFS"]["Layers"]) == 2


def test_failing_build_says_what_the_step_said(base: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY missing /\n")
    with pytest.raises(HostError, match="could not build") as caught:
        images.build(tmp_path / "context", name, base, {}, lambda _: None)
    assert "missing" in caught.value.message
    assert not images.there(name)


def test_saved_images_come_back_with_names_and_labels(base: str, name: str, tmp_path: Path) -> None:
    images.name(base, name)
    tar = tmp_path / "images.tar"
    images.save([base, name], tar)
    assert [path.name for path in tmp_path.glob("images.*")] == ["images.tar"]
    with client(here()) as engine:
        engine.remove_image(name)
        engine.remove_image(base)
    images.load(tar)
    assert inspected(base)["Id"] == inspected(name)["Id"]
    assert inspected(base)["Config"]["Labels"] == {"train.tests": "yes"}


def test_file_that_holds_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_bytes(b"no tar")
    with pytest.raises(HostError, match=r"load .*images\.tar"):
        images.load(tmp_path / "images.tar")


def test_registry_that_does_not_answer_is_named(base: str, name: str) -> None:
    image = f"127.0.0.1:1/{name}"
    images.name(base, image)
    try:
        with pytest.raises(HostError, match="could not push"):
            images.push(image, lambda _: None)
    finally:
        with client(here()) as engine:
            engine.remove_image(image)
