"""The stack's image: what is in it, and when it is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from foundation import rootfs
from foundation.engine import images as engine_images
from foundation.engine.engine import Engine
from foundation.engine.wanted import Wanted
from foundation.failures import RootfsError
from foundation.output import lines
from tests.foundation.engine_fixtures import STACK

SHOW = """
id; stat -c '%a %n' /tmp /home/vcap; locale 2>&1 | grep -c en_US.UTF-8
for p in bash curl file git gzip ps ruby bundle rackup tar unzip xz; do
  command -v $p >/dev/null || echo missing $p
done
ruby -e 'puts Encoding.default_external; require %(sinatra/base); require %(typhoeus); require %(webrick)'
test -s /etc/ssl/certs/ca-certificates.crt && echo certificates
ls -A /usr/share/man /usr/share/doc 2>/dev/null | grep -v : | wc -l
"""


@pytest.mark.engine
def test_a_stack_holds_what_apps_and_buildpacks_need(engine: Engine, images: Mapping[str, str]) -> None:
    wanted = Wanted(
        name="rootfs-test",
        image=images[STACK],
        argv=["bash", "-c", SHOW],
        user="vcap",
        environment={"LANG": "en_US.UTF-8"},
        memory_mb=256,
    )
    container = engine.create(wanted)
    frames = engine.attach(container)
    engine.start(container)
    said = [text for _, text in lines(frames)]
    assert said[0] == "uid=2000(vcap) gid=2000(vcap) groups=2000(vcap)"
    assert said[1:3] == ["1777 /tmp", "755 /home/vcap"]
    assert int(said[3]) > 0
    assert said[4:6] == ["UTF-8", "certificates"]


@pytest.mark.engine
def test_an_image_that_is_there_is_used_without_anything_else(
    images: Mapping[str, str], tmp_path: Path
) -> None:
    said: list[str] = []
    found = rootfs.ensure(STACK, tmp_path / "empty", {"train.tests": "rootfs"}, said.append)
    assert said == []
    if found.kind == "official":
        assert found.image == images[STACK]
        return
    assert "not the official root file system" in found.description
    assert found.image.endswith("-rootfs"), "whoever uses a stand-in has a name of its own for it"
    client: Any = Engine(labels={"train.tests": "rootfs"}, network="none").client
    assert client.inspect_image(found.image)["Id"] == client.inspect_image(images[STACK])["Id"]
    client.remove_image(found.image)
    assert client.inspect_image(images[STACK]), "the others' stay"


@pytest.mark.engine
def test_a_tar_becomes_an_image_with_labels(engine: Engine, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "r.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("etc"))
    image = "sidecar-train-rootfs-test:1"
    engine_images.take_in(
        engine, tmp_path / "r.tar", image, {"train.rootfs": "digest", "a.b": 'c "d" $HOME \\'}
    )
    try:
        assert engine_images.label_of(engine, image, "train.rootfs") == "digest"
        assert engine_images.label_of(engine, image, "a.b") == 'c "d" $HOME \\'
        assert engine_images.label_of(engine, image, "other") == ""
        assert engine_images.label_of(engine, "sidecar-train-rootfs-test:2", "a.b") is None
    finally:
        engine.client.remove_image(image)


def test_a_tar_is_made_once_and_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def bootstrap(into: Path, _: object) -> None:
        made.append(into)
        into.write_bytes(b"a root file system")

    monkeypatch.setattr(rootfs, "_bootstrap", bootstrap)
    said: list[str] = []
    tar = rootfs._tar(tmp_path, said.append)
    assert rootfs._tar(tmp_path, said.append) == tar
    assert len(made) == 1
    assert said == []
    tar.write_bytes(b"a root file")
    rootfs._tar(tmp_path, said.append)
    assert len(made) == 2
    assert said == [f"{tar} is damaged and is made again"]


def test_a_host_without_mmdebstrap_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RootfsError, match="apt-get install mmdebstrap"):
        rootfs._tar(tmp_path / "cache", print)
    assert list((tmp_path / "cache/rootfs").glob("*.tar")) == []


def test_the_recipe_changes_with_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rootfs.recipe()
    assert rootfs.recipe() == before
    monkeypatch.setattr(rootfs, "PACKAGES", (*rootfs.PACKAGES, "more"))
    assert rootfs.recipe() != before
