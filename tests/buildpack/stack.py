"""Runs a shell script on the real root file system, as staging does: user vcap, the platform's paths."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.engine.wanted import Wanted
from tests.buildpack.staging_area import STACK, Done

HEADER = (
    'set -u; build=/tmp/app cache=/tmp/cache/0123456789abcdef deps=/tmp/contents1/deps\nmkdir -p "$deps/0"\n'
)


def tar_of(folders: Mapping[str, Path]) -> bytes:
    """Return a tar with each folder under its name, all of it vcap's."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for name, folder in folders.items():
                archive.add(folder, name, filter=_of_vcap)
        return file.getvalue()


def _of_vcap(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 2000
    entry.uname = entry.gname = "vcap"
    return entry


def run(
    engine: Engine, image: str, script: str, folders: Mapping[str, Path], *, offline: bool = True
) -> Done:
    """Run the script with the folders in /tmp; `$build`, `$cache` and `$deps` are where staging has them."""
    container = engine.create(
        Wanted(
            name=f"buildpack-{len(engine.find({}))}",
            image=image,
            argv=["bash", "-c", HEADER + script],
            user="vcap",
            environment={"USER": "vcap", "LANG": "en_US.UTF-8", "CF_STACK": STACK},
            memory_mb=256,
            offline=offline,
        )
    )
    engine.put(container, "/tmp", tar_of(folders))  # noqa: S108 - in the container
    said = {"OUT": b"", "ERR": b""}
    frames = engine.attach(container)
    engine.start(container)
    for stream, data in frames:
        said[stream] += data
    code = engine.wait(container)
    return Done(code=code, out=said["OUT"].decode(), err=said["ERR"].decode())
