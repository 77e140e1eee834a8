"""What tests with real containers share: the engine, the stack's image, Go programs, zips, droplets."""

import importlib.util
import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from embedded import network
from embedded.environment import Embedded
from foundation import programs as go_programs
from foundation import rootfs
from foundation.engine.engine import Engine
from foundation.model.logs import LogLine
from foundation.model.running import HealthCheck, ProcessSpec, SidecarSpec
from foundation.routing import RouterProcess

LOCAL = Path(__file__).parents[2] / ".local"
STACK = "cflinuxfs4"


@dataclass
class Lines:
    """A log sink that can be waited on."""

    lines: list[LogLine] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, line: LogLine) -> None:
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def texts(self, source: str | None = None) -> list[str]:
        return [line.text for line in self.lines if source is None or line.source_type == source]

    def wait_for(self, text: str, count: int = 1) -> None:
        with self.changed:
            assert self.changed.wait_for(
                lambda: sum(text in line.text for line in self.lines) >= count, timeout=60
            ), (text, self.texts())


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that another thread or a container brings about."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def zip_of(path: Path, files: Mapping[str, str]) -> Path:
    """Write a zip of scripts: everything in bin/ and every *.sh can be executed."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            executable = "bin/" in name or name.endswith(".sh")
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(info, text)
    return path


def droplet_of(path: Path, files: Mapping[str, str]) -> Path:
    """Write a droplet as the builder does, with these files in the app's folder."""
    with tarfile.open(path, "w:gz") as archive:
        for name in (".", "./app", "./deps", "./deps/0", "./profile.d", "./tmp", "./logs"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o700, 2000, 2000
            archive.addfile(folder)
        for name, text in {"./staging_info.yml": "{}", **{f"./app/{k}": v for k, v in files.items()}}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(text.encode()), 0o755, 2000, 2000
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def process(droplet: Path, command: str, **changes: object) -> ProcessSpec:
    """Return a web process with one instance that is healthy as soon as it runs."""
    given: dict[str, object] = {
        "process_guid": str(uuid4()),
        "version": "1",
        "app_guid": str(uuid4()),
        "type": "web",
        "stack": STACK,
        "droplet": droplet,
        "command": command,
        "instances": 1,
        "memory_mb": 128,
        "disk_mb": 512,
        "health_check": HealthCheck(type="process"),
        "sidecars": (),
        "environment": {},
        "vcap_application": {"application_name": "tiny"},
        **changes,
    }
    return ProcessSpec(**given)  # type: ignore[arg-type]  # given by name, as the tests like it


def sidecar(name: str, command: str, memory_mb: int | None = None) -> Sequence[SidecarSpec]:
    """Return one sidecar."""
    return (SidecarSpec(name=name, command=command, memory_mb=memory_mb),)


@pytest.fixture(scope="session")
def go() -> Path:
    """The Go of the environment."""
    found = importlib.util.find_spec("go")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "bin" / "go"


@pytest.fixture(scope="session")
def programs(go: Path) -> Path:
    """The folder of the Go programs."""
    return go_programs.build(go, LOCAL / "tests" / "programs", cache=LOCAL / "cache")


@pytest.fixture
def router(programs: Path, tmp_path: Path) -> Iterator[RouterProcess]:
    """A router of the test's own, in the folder `router`."""
    router = RouterProcess(program=programs / "router", listen="127.0.0.1:0", state=tmp_path / "router")
    router.start()
    yield router
    router.stop()


@pytest.fixture(scope="session")
def images() -> Mapping[str, str]:
    """The stack's image, by stack."""
    labels = network.labels(Embedded(LOCAL.parent).clone)  # so that `./inv clean` removes it
    return {STACK: rootfs.ensure(STACK, LOCAL / "cache", labels, print).image}


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The engine, with a label of this test's own; all its containers are removed afterwards."""
    unique = str(uuid4())
    engine = Engine(labels={"train.tests": unique}, network="bridge", prefix=f"train-tests-{unique}")
    yield engine
    for container in engine.find({}):
        engine.remove(container.id)


@pytest.fixture
def log() -> Lines:
    """Where log lines go."""
    return Lines()
