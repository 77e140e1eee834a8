"""Cleaning the engine of one clone's things; another clone's stay."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from docker import APIClient
from docker.errors import APIError

from host import cleaning, machine, packages
from host import engine as host_engine
from tests.host.machines import Scripts

OURS, THEIRS = "ours", "theirs"


class Clones:
    """Two clones' things in the real engine, under names of this test alone."""

    def __init__(self, client: APIClient) -> None:
        self.client = client
        self.unique = uuid4().hex[:12]

    def name(self, clone: str) -> str:
        return f"train-cleaning-{self.unique}-{clone}"

    def label(self, clone: str) -> dict[str, str]:
        return {f"train.cleaning.{self.unique}": clone}

    def image(self, clone: str, *, labelled: bool = True) -> str:
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            info = tarfile.TarInfo(self.name(clone))
            archive.addfile(info)
        changes = [f"LABEL {name}={value}" for name, value in self.label(clone).items()] if labelled else []
        self.client.import_image_from_data(
            tar.getvalue(), repository=self.name(clone), tag="1", changes=changes
        )
        return f"{self.name(clone)}:1"

    def container(self, clone: str, image: str) -> str:
        """Make a container that has a volume of its own."""
        name = self.name(clone)
        self.client.create_container(image, ["/none"], name=name, labels=self.label(clone), volumes=["/data"])
        return name

    def clean(self, folder: Path, repositories: tuple[str, ...] = ()) -> cleaning.Cleaned:
        label = f"train.cleaning.{self.unique}={OURS}"
        return cleaning.clean(label, repositories, folder=folder, machine=machine.here())

    def volumes(self) -> set[str]:
        return {each["Name"] for each in self.client.volumes()["Volumes"] or ()}

    def there(self) -> set[str]:
        """Return what is in the engine of both clones."""
        client, prefix = self.client, f"train-cleaning-{self.unique}"
        names = [f"container {name[1:]}" for each in client.containers(all=True) for name in each["Names"]]
        names += [f"network {each['Name']}" for each in client.networks()]
        names += [f"volume {name}" for name in self.volumes()]
        names += [f"image {tag}" for each in client.images() for tag in each["RepoTags"] or ()]
        return {name for name in names if prefix in name}

    def remove_all(self) -> None:
        for what in sorted(self.there()):  # containers come first
            kind, _, name = what.partition(" ")
            with suppress(APIError):
                if kind == "container":
                    self.client.remove_container(name, v=True, force=True)
                else:
                    getattr(self.client, f"remove_{kind}")(name)


@pytest.fixture
def clones() -> Iterator[Clones]:
    client = APIClient(version="auto")
    made = Clones(client)
    yield made
    made.remove_all()
    client.close()


@pytest.mark.engine
def test_what_carries_the_label_goes_and_another_clones_stays(clones: Clones, tmp_path: Path) -> None:
    for clone in (OURS, THEIRS):
        clones.container(clone, clones.image(clone))
        clones.client.create_network(clones.name(clone), labels=clones.label(clone))
        clones.client.create_volume(clones.name(clone), labels=clones.label(clone))
    before = clones.there()
    assert len(before) == 8
    cleaned = clones.clean(tmp_path)
    ours = {name for name in before if OURS in name}
    assert set(cleaned.removed) == ours
    assert clones.there() == before - ours
    assert cleaned.left == []
    assert clones.clean(tmp_path).removed == []


@pytest.mark.engine
def test_our_repositories_images_go_without_a_label_too_under_every_tag(
    clones: Clones, tmp_path: Path
) -> None:
    image = clones.image(OURS, labelled=False)
    clones.client.tag(image, clones.name(OURS), "2")
    cleaned = clones.clean(tmp_path, (clones.name(OURS),))
    assert set(cleaned.removed) == {f"image {image}", f"image {clones.name(OURS)}:2"}
    assert clones.there() == set()


@pytest.mark.engine
def test_what_another_clone_uses_is_left_and_said(clones: Clones, tmp_path: Path) -> None:
    image = clones.image(OURS)
    clones.container(THEIRS, image)
    cleaned = clones.clean(tmp_path)
    assert cleaned.removed == []
    (left,) = cleaned.left
    assert left.startswith(f"image {image}: ")
    assert "container" in left
    assert f"image {image}" in clones.there()


@pytest.mark.engine
def test_a_containers_own_volume_goes_with_it(clones: Clones, tmp_path: Path) -> None:
    name = clones.container(OURS, clones.image(OURS))
    (found,) = clones.client.containers(all=True, filters={"name": name})
    volume = found["Mounts"][0]["Name"]
    assert volume in clones.volumes()
    clones.clean(tmp_path)
    assert volume not in clones.volumes()


@pytest.mark.engine
def test_an_image_without_a_tag_goes(clones: Clones, tmp_path: Path) -> None:
    image = clones.image(OURS)
    id_ = clones.client.images(image)[0]["Id"]
    clones.client.tag(clones.image(THEIRS), clones.name(OURS), "1", force=True)  # takes the tag away
    assert clones.clean(tmp_path).removed == [f"image {id_}"]
    assert id_ not in {each["Id"] for each in clones.client.images(all=True)}


def test_without_an_engine_it_says_what_may_be_left(scripts: Scripts) -> None:
    cleaned = cleaning.clean("a=b", ("c",), folder=scripts.folder, machine=scripts.machine())
    assert cleaned.removed == []
    assert cleaned.left == ["all in Docker that is labelled a=b, if anything is: No such file or directory"]


def test_packages_and_an_engine_of_ours_are_left_and_said(scripts: Scripts) -> None:
    scripts.add_dockerd()
    host_engine.ensure(scripts.said.append, folder=scripts.folder, machine=scripts.machine())
    pid = (scripts.root / "dockerd.pid").read_text()
    (scripts.folder / packages.NOTE).write_text("gcc\nmmdebstrap\n")
    elsewhere = scripts.machine(socket=scripts.root / "none")  # the engine of this test has nothing to clean
    left = cleaning.clean("a=b", (), folder=scripts.folder, machine=elsewhere).left
    assert left[1:] == [
        "packages that were installed: gcc mmdebstrap (to remove them: apt-get remove gcc mmdebstrap)",
        f"the Docker engine that was started (to stop it: kill {pid})",
    ]
