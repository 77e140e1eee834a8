"""The task image for tests: one made of this machine in a second, or a real one that TRAIN_TASK_IMAGE names.

The one of this machine holds folders, names of users and the tag alone. Programs and the environment are this
machine's own, mounted where the real image has them; Go's caches are the checkout's.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedded import network
from embedded.environment import Embedded

if TYPE_CHECKING:
    from docker import APIClient

CHECKOUT = Path(__file__).resolve().parents[2]
LOCAL = CHECKOUT / ".local"
NAMED = "TRAIN_TASK_IMAGE"
HOME = "/opt/train"  # TRAIN_HOME in the image
REPOSITORY = "sidecar-train-task"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = {
    **dict.fromkeys(("etc", "home", "opt", "opt/train", "opt/train/cache", "root", "run", "scratch"), 0o755),
    **dict.fromkeys(("usr", "var", "var/lib", "var/log"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\ndocker:x:998:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin", "var/run": "/run"}
SYSTEM = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl")


@dataclass(frozen=True, kw_only=True)
class TaskImage:
    """An image of the engine, and what has to be mounted with it: paths inside to paths of this machine.

    Tasks may write where `writable` says; /scratch has to be a volume where an engine runs inside.
    """

    name: str
    read_only: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)

    def mounts(self) -> list[Any]:
        """Return the mounts as the SDK's create_host_config(mounts=...) takes them."""
        from docker.types import Mount

        rows = [(self.read_only, True), (self.writable, False)]
        return [
            Mount(inside, str(path), type="bind", read_only=fixed)
            for paths, fixed in rows
            for inside, path in paths.items()
        ]

    def options(self) -> Sequence[str]:
        """Return the same as words for `docker run`."""
        rows = [(self.read_only, ":ro"), (self.writable, "")]
        return [f"--volume={path}:{inside}{end}" for paths, end in rows for inside, path in paths.items()]


def task_image(engine: "APIClient", *, tag: str = "", programs: Path | None = None) -> TaskImage:
    """Return the task image: the named one as it is, else this machine's, imported under its tag.

    `tag` is what the image says it is, the checkout's own where none is given; `programs` is the folder with
    the foundation's programs, which are built in the task where none is given.
    """
    named = os.environ.get(NAMED)
    if named:
        return TaskImage(name=named)
    tag = tag or own_tag()
    clone = Embedded(CHECKOUT).clone
    name = f"{REPOSITORY}:{tag}-{clone}"
    if not engine.images(name):
        changes = [f"ENV {pair}" for pair in (*_environment(), f"PATH={PATH}")]
        changes += [f'LABEL "{key}"="{value}"' for key, value in network.labels(clone).items()]
        said = engine.import_image_from_data(
            _skeleton(tag), repository=REPOSITORY, tag=f"{tag}-{clone}", changes=changes
        )
        assert "status" in json.loads(said.splitlines()[-1]), said
    return TaskImage(name=name, read_only=_read_only(programs), writable=_caches())


def own_tag(checkout: Path = CHECKOUT) -> str:
    """Return the tag that a checkout asks for."""
    argv = [str(checkout / "ci" / "image" / "tag")]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def _environment() -> list[str]:
    """Return what the real image sets, TRAIN_HOME among it."""
    found = re.findall(r"^ENV (.*)$", (CHECKOUT / "ci/image/Dockerfile").read_text(), re.MULTILINE)
    return [pair for line in found for pair in line.split()]


def _read_only(programs: Path | None) -> dict[str, Path]:
    shared = [Path(path) for path in SYSTEM if Path(path).exists()]
    # The environment is at its own path too: one that was made long ago has that path in its scripts.
    shared += [path for path in map(Path, (sys.base_prefix, sys.prefix)) if not path.is_relative_to("/usr")]
    found = {str(path): path for path in shared}
    found["/usr/local"] = _added()
    found[f"{HOME}/env"] = Path(sys.prefix)
    return {**found, f"{HOME}/programs": programs} if programs else found


def _added() -> Path:
    """Return a folder with what the image adds to the system: the engine's start script."""
    folder = LOCAL / "tests" / "task-image"
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    script = folder / "bin" / "dockerd"
    script.write_bytes((CHECKOUT / "ci" / "image" / "dockerd").read_bytes())
    script.chmod(0o755)
    return folder


def _caches() -> dict[str, Path]:
    names = ("go-build", "go-mod")
    for name in names:
        (LOCAL / "cache" / name).mkdir(parents=True, exist_ok=True)
    return {f"{HOME}/cache/{name}": (LOCAL / "cache" / name).resolve() for name in names}


def _skeleton(tag: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, mode in FOLDERS.items():
            row = tarfile.TarInfo(name)
            row.type, row.mode = tarfile.DIRTYPE, mode
            tar.addfile(row)
        for name, text in {**FILES, f"{HOME[1:]}/image-tag": f"{tag}\n"}.items():
            row = tarfile.TarInfo(name)
            row.size, row.mode = len(text), 0o644
            tar.addfile(row, io.BytesIO(text.encode()))
        for name, target in LINKS.items():
            row = tarfile.TarInfo(name)
            row.type, row.linkname = tarfile.SYMTYPE, target
            tar.addfile(row)
    return made.getvalue()
