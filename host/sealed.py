"""Runs a program in a fresh container without network, whose system is this machine's own, read-only.

The container's root holds nothing but empty folders. `/usr`, and what else is named, is mounted read-only at
its own path: so no registry and no mirror is needed, and nothing of the user's files or settings is there.
"""

import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.errors import HostError
from host.machine import here
from host.probe import client

if TYPE_CHECKING:
    from docker import APIClient

SYSTEM = Path("/usr")
BESIDE = ("bin", "lib", "lib32", "lib64", "sbin")  # links into /usr, or folders on an older system
LINKER = Path("/etc/ld.so.cache")
PATH = "/usr/local/bin:/usr/bin:/bin"
SCRATCH = "/tmp"  # noqa: S108  # inside the container, where it is nobody else's
REMEDY = "`docker info` says whether the engine runs; it must be on this machine, since folders are mounted."


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to run; `mounts` maps paths in the container to what of this machine is there, read-only."""

    argv: Sequence[str]
    mounts: Mapping[str, Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the program ended, and what it printed."""

    code: int
    out: str
    err: str


def run(wanted: Wanted) -> Ended:
    """Run the program to its end; nothing of the container stays. Raises HostError without an engine."""
    import requests
    from docker.errors import DockerException

    try:
        with client(here()) as engine, _root(engine, wanted.labels) as image:
            return _run(engine, image, wanted)
    except (DockerException, requests.RequestException) as error:
        raise HostError(f"the Docker engine cannot run a container: {error}", REMEDY) from error


def python() -> dict[str, Path]:
    """Return the mounts by which this Python and its environment are in the container, at their own paths."""
    found = {str(path): path for path in (Path(sys.base_prefix), Path(sys.prefix))}
    return {inside: path for inside, path in found.items() if not path.is_relative_to(SYSTEM)}


@contextmanager
def _root(engine: "APIClient", labels: Mapping[str, str]) -> Iterator[str]:
    """Yield an image that holds empty folders alone, and remove it."""
    changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
    said = engine.import_image_from_data(_skeleton(), changes=changes)
    image = str(json.loads(said.splitlines()[-1])["status"])
    try:
        yield image
    finally:
        engine.remove_image(image, force=True)


def _skeleton() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, mode in {"etc": 0o755, "usr": 0o755, SCRATCH[1:]: 0o1777}.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
        for name in BESIDE:
            if Path("/", name).is_symlink():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, str(Path("/", name).readlink())
                tar.addfile(link)
    return made.getvalue()


def _run(engine: "APIClient", image: str, wanted: Wanted) -> Ended:
    made = engine.create_container(
        image=image,
        command=list(wanted.argv),
        user=f"{os.getuid()}:{os.getgid()}",
        working_dir=SCRATCH,
        environment={"PATH": PATH, "HOME": SCRATCH, "LANG": "C.UTF-8", **wanted.environment},
        labels=dict(wanted.labels),
        host_config=_limits(engine, {**_system(), **wanted.mounts}),
        network_disabled=True,
    )
    try:
        engine.start(made["Id"])
        code = int(engine.wait(made["Id"], timeout=None)["StatusCode"])
        out, err = (_said(engine, made["Id"], name) for name in ("stdout", "stderr"))
    finally:
        engine.remove_container(made["Id"], v=True, force=True)
    return Ended(code=code, out=out, err=err)


def _said(engine: "APIClient", container: str, stream: str) -> str:
    wanted: dict[str, Any] = {"stdout": False, "stderr": False, stream: True}
    return bytes(engine.logs(container, **wanted)).decode("utf-8", "replace")


def _system() -> dict[str, Path]:
    """Return the machine's own programs and libraries."""
    folders = [Path("/", name) for name in BESIDE]
    found = [SYSTEM, LINKER, *(path for path in folders if path.is_dir() and not path.is_symlink())]
    return {str(path): path for path in found if path.exists()}


def _limits(engine: "APIClient", mounts: Mapping[str, Path]) -> dict[str, Any]:
    from docker.types import Mount

    return engine.create_host_config(
        mounts=[Mount(inside, str(path), type="bind", read_only=True) for inside, path in mounts.items()],
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
    )
