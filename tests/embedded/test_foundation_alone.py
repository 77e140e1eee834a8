"""The local foundation for an environment whose bucket and remote are elsewhere: it alone is started."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from commands import given, wiring
from embedded import network
from embedded.environment import Embedded
from foundation import programs as go_programs
from host import cleaning
from releaser import config
from releaser.errors import ConfigError
from releaser.installing import install as installing
from releaser.tools import cf

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / ".local"
S3 = {"bucket": "b", "public_url": "http://127.0.0.1:1/b", "endpoint": "http://127.0.0.1:1"}

pytestmark = pytest.mark.engine


@contextmanager
def cleaned(here: Embedded) -> Iterator[Embedded]:
    """Stop its daemons at the end, and remove what it has in the engine."""
    try:
        yield here
    finally:
        here.stop()
        label = ",".join(f"{name}={value}" for name, value in network.labels(here.clone).items())
        cleaning.clean(label, [f"sidecar-train-rootfs:*-{here.clone}"], folder=here.root)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A clone whose sidecar.yml names a bucket and a remote, and no foundation."""
    settings = yaml.safe_load((ROOT / "sidecar.yml").read_text())
    settings["s3"] |= S3
    settings["git"] |= {"remote": str(tmp_path / "remote.git")}
    (tmp_path / "sidecar.yml").write_text(yaml.safe_dump(settings))
    go = wiring.go_program(config.load(ROOT / "sidecar.yml"))
    go_programs.build(go, LOCAL / "tests/programs", cache=LOCAL / "cache")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/cache").symlink_to(LOCAL / "cache")
    (tmp_path / ".local/programs").symlink_to(LOCAL / "tests/programs")
    for name, value in {
        "ROOT": tmp_path,
        "LOCAL": tmp_path / ".local",
        "HOST_STATE": tmp_path / ".local/host",
        "SETTINGS": tmp_path / "sidecar.yml",
    }.items():
        monkeypatch.setattr(wiring, name, value)
    with cleaned(Embedded(tmp_path)) as made:
        yield made


def test_foundation_is_started_for_acceptance_alone_and_without_the_embedded_bucket_and_remote(
    here: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with wiring.releasing("production") as world:
        assert world.config.foundation.api is None
        with pytest.raises(ConfigError, match="has no foundation of its own"):
            installing.sign_in(world)
    assert not any(here.status().values())

    rootfs = tmp_path / "rootfs"
    rootfs.mkdir()
    (rootfs / "rootfs-0.tar").touch()
    monkeypatch.setenv("RELEASE_ROOTFS", str(rootfs))
    public = tmp_path / "public.pem"
    public.write_text("public\n")
    monkeypatch.setenv("CA_CERTIFICATES", f"{given.BEGIN}\nours")
    for name in given.BUNDLES:
        monkeypatch.setenv(name, str(public))
    with wiring.releasing("production", accepts=True) as world:
        foundation, access = world.config.foundation, world.access
        assert access is not None
        session = cf.login(str(foundation.api), access.user, access.password)
        assert [stack["name"] for stack in cf.resources(session, "/v3/stacks", what="list")] == ["cflinuxfs4"]
        assert (foundation.name, foundation.organization, foundation.space) == (
            "production",
            "local",
            "local",
        )
        assert world.public.base == S3["public_url"]
    assert f"No root file system lies in {rootfs}" in capsys.readouterr().out
    running = {name for name, runs in here.status().items() if runs}
    assert running == {"foundation"}
    note = here.keeper.folder / "foundation.json"
    first = note.read_text()
    command = Path(f"/proc/{yaml.safe_load(first)['pid']}/cmdline").read_bytes().decode().split("\0")
    trusted = Path(command[command.index("--certificates") + 1])
    assert trusted.is_relative_to(tmp_path), "it outlives the command that was given it"
    assert trusted.read_text().split() == ["public", *given.BEGIN.split(), "ours"]
