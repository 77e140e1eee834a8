"""Makes sure that the engine has a stack's root file system: the official one or a stand-in that says so."""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foundation import debian
from foundation.engine import images
from foundation.engine.engine import Engine
from foundation.failures import EngineError, RootfsError

Say = Callable[[str], None]

LABEL = "train.rootfs"
REPOSITORY = "sidecar-train-rootfs"
SUITE = debian.SUITE

# What buildpacks and the lifecycle need of a stack, and Debian's Ruby for apps without ruby_buildpack.
PACKAGES = (
    *("bash", "bzip2", "ca-certificates", "curl", "file", "git", "locales", "openssl", "procps", "unzip"),
    *("xz-utils", "zip"),
    *("ruby", "ruby-json", "ruby-sinatra", "ruby-typhoeus", "ruby-webrick", "bundler"),
)
LEFT_OUT = debian.LEFT_OUT
# Runs on the host; $1 is the new root. The platform's locale is made, then what it is made from goes.
SET_UP = " && ".join(
    (
        "echo vcap:x:2000:2000:vcap:/home/vcap:/bin/bash >>$1/etc/passwd",
        "echo vcap:x:2000: >>$1/etc/group",
        "echo 'vcap:*:19000:0:99999:7:::' >>$1/etc/shadow",
        "install -d -m 755 -o 2000 -g 2000 $1/home/vcap",
        "chmod 1777 $1/tmp",
        "chroot $1 localedef -i en_US -f UTF-8 en_US.UTF-8",
        "rm -rf $1/usr/share/i18n $1/etc/apt/sources.list $1/etc/resolv.conf $1/etc/hostname",
    )
)


@dataclass(frozen=True, kw_only=True)
class Rootfs:
    """A stack's image in the engine, and in words what it is."""

    stack: str
    image: str
    kind: Literal["official", "stand-in"]
    description: str


def ensure(stack: str, cache: Path, labels: Mapping[str, str], say: Say) -> Rootfs:
    """Return the stack's image, which is in the engine then; `labels` name who it is for.

    What the engine has is used as it is; else a registry is asked, for seconds at most; else the stand-in is
    imported from the tar in `cache`, made first where it is not there. A stand-in has a tag for each that
    uses it, so that nobody removes it under another.
    Raises EngineError without an engine and RootfsError where the stand-in cannot be made.
    """
    engine = Engine(labels={LABEL: recipe()}, network="none")
    official, stand_in = f"cloudfoundry/{stack}:latest", _tag(stack, labels)
    if images.label_of(engine, official, LABEL) is not None:
        return _official(stack, official)
    if images.label_of(engine, stand_in, LABEL) == recipe():
        return _stand_in(stack, stand_in)
    if images.tag_labelled(engine, LABEL, recipe(), stand_in):
        return _stand_in(stack, stand_in)
    if _pulled(engine, official, say):
        return _official(stack, official)
    tar = _tar(cache, say)
    say(f"importing the stand-in for {stack} into the engine")
    images.take_in(engine, tar, stand_in, engine.labels)
    return _stand_in(stack, stand_in)


def _tag(stack: str, labels: Mapping[str, str]) -> str:
    owner = re.sub(r"[^\w.-]", "-", "-".join(labels.values()))
    return f"{REPOSITORY}:{stack}-{recipe()[:12]}{f'-{owner}' if owner else ''}"


def recipe() -> str:
    """Return the digest of all that decides what is in the stand-in, apart from the packages' versions."""
    parts = (SUITE, *PACKAGES, *LEFT_OUT, SET_UP, os.uname().machine)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _official(stack: str, image: str) -> Rootfs:
    description = f"Cloud Foundry's {stack} root file system"
    return Rootfs(stack=stack, image=image, kind="official", description=description)


def _stand_in(stack: str, image: str) -> Rootfs:
    description = f"a stand-in for {stack} made of Debian {SUITE} packages, not the official root file system"
    return Rootfs(stack=stack, image=image, kind="stand-in", description=description)


def _pulled(engine: Engine, image: str, say: Say) -> bool:
    if not images.offered(engine, image):
        say(f"no registry offers {image}")
        return False
    say(f"pulling {image}")
    try:
        images.pull(engine, image, say)
    except EngineError as error:
        say(error.message)
        return False
    return True


def _tar(cache: Path, say: Say) -> Path:
    """Return the stand-in's tar; one whose digest is not the one noted beside it is made again."""
    tar = cache.resolve() / "rootfs" / f"{SUITE}-{recipe()[:12]}.tar"
    noted = tar.with_suffix(".sha256")
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tar.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
        if tar.is_file() and noted.is_file():
            if noted.read_text() == _digest(tar):
                return tar
            say(f"{tar} is damaged and is made again")
        scratch = tar.with_suffix(".new")
        _bootstrap(scratch, say)
        noted.write_text(_digest(scratch))
        scratch.replace(tar)
    return tar


def _bootstrap(into: Path, say: Say) -> None:
    say(f"making a root file system of Debian {SUITE} packages (about a minute)")
    try:
        debian.bootstrap(into, SUITE, PACKAGES, left_out=LEFT_OUT, hook=SET_UP, say=say)
    except RootfsError as error:
        remedy = f"{error.remedy} Or bring one that another machine has: RELEASE_ROOTFS in docs/image.md."
        raise RootfsError(f"no registry offers the stack's own, and {error.message}", remedy) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
