"""Makes the task image: the base, the folder that its Dockerfile copies from, and the build."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import debian, image_pins, wiring
from embedded import network
from host import images
from host.errors import HostError
from releaser import report
from releaser.sections import Config

BASE = "sidecar-train-base"
CHECKOUT = ("inv", "requirements.lock", "sidecar.yml", "foundation", "ci/image")  # and the sidecar's source
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# How package indexes are reached: by variables, and by the files that pip reads, by their paths in the build.
INDEXES = re.compile(
    r"PIP_((EXTRA_)?INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT)|UV_((EXTRA_)?INDEX_URL|(DEFAULT_)?INDEX|INSECURE_HOST)"
    r"|GO(PROXY|PRIVATE|NOPROXY|NOSUMDB|SUMDB|INSECURE)"
)
PIP_FILES = {
    "etc/pip.conf": "/etc/pip.conf",
    "root/.pip/pip.conf": "~/.pip/pip.conf",
    "root/.config/pip/pip.conf": "~/.config/pip/pip.conf",
}


def build(settings: Config, name: str) -> None:
    """Build the image under this name, on the base of sidecar.yml or on one made here."""
    labels = network.labels(wiring.embedded().clone)
    base = settings.pipeline.image.base or _own_base(labels)
    report.title(f"Building {name}")
    with context(settings) as folder:
        try:
            images.build(folder, name, base, labels, report.fact)
        except HostError as error:
            debian.require_there(error.message)
            raise


def _own_base(labels: Mapping[str, str]) -> str:
    """Return a base of Debian packages, those of ci/image included, made where it is not in the engine."""
    packages = image_pins.packages(wiring.ROOT)
    name = f"{BASE}:{image_pins.digest(packages)}"
    if images.there(name):
        return name
    report.title("Making a minimal Debian (sidecar.yml names no pipeline.image.base)")
    wiring.ensure_machine("mmdebstrap")
    with TemporaryDirectory(dir=_scratch()) as scratch:
        tar = Path(scratch) / "base.tar"
        debian.bootstrap(tar, packages)
        images.take_in(tar, name, labels)
    return name


@contextmanager
def context(settings: Config) -> Iterator[Path]:
    """Yield the folder that the Dockerfile copies from."""
    with TemporaryDirectory(dir=_scratch()) as scratch:
        folder = Path(scratch)
        shutil.copytree(wiring.ROOT / image_pins.FOLDER, folder / "image")
        shutil.move(folder / "image" / "Dockerfile", folder)
        for part in (*CHECKOUT, settings.sidecar.source):
            _copy(wiring.ROOT / part, folder / "checkout" / part)
        _hand(folder / "handed")
        yield folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=JUNK, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _hand(folder: Path) -> None:
    """Lay down how this machine reaches package indexes: the stage that uses it is not part of the image."""
    found = {name: value for name, value in os.environ.items() if value and INDEXES.fullmatch(name)}
    files = {inside: Path(path).expanduser() for inside, path in PIP_FILES.items()}
    if own := os.environ.get("PIP_CONFIG_FILE"):
        files["etc/handed-pip.conf"] = Path(own)
        found["PIP_CONFIG_FILE"] = "/etc/handed-pip.conf"
    if authorities := _authorities():
        files[AUTHORITIES[1:]] = authorities
        found |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), AUTHORITIES)
    for inside, path in files.items():
        if path.is_file():
            _copy(path, folder / "files" / inside)
    (folder / "files").mkdir(parents=True, exist_ok=True)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in found.items()]
    (folder / "environment").write_text("".join(lines), encoding="utf-8")


def _authorities() -> Path | None:
    """Return the authorities that this machine trusts, its private ones included."""
    paths = (os.environ.get("SSL_CERT_FILE"), os.environ.get("PIP_CERT"), AUTHORITIES)
    return next((Path(path) for path in paths if path and Path(path).is_file()), None)


def _scratch() -> Path:
    folder = wiring.LOCAL / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
