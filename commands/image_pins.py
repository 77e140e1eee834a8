"""What is pinned of the task image: its packages' versions in ci/image, its tag in sidecar.yml."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from releaser import config
from releaser.errors import ConfigError
from releaser.model import CONFIGURATION
from releaser.tools import shell

FOLDER = Path("ci/image")
PACKAGES = FOLDER / "packages"
SETTINGS = Path(CONFIGURATION)
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.+-]+)=(?P<version>\S+)$", re.MULTILINE)
# The line of pipeline.image.tag where sections are written as blocks, and what stands around its value.
TAG = re.compile(
    r"(?P<before>^pipeline:\n(?:[ #].*\n|\n)*?  image:\n(?:    .*\n| *\n)*?    tag:)"
    r"[^#\n]*?(?P<after> *(?:#.*)?)$",
    re.MULTILINE,
)


def tag(root: Path) -> str:
    """Return the tag of the image that this checkout needs, as inv computes it too."""
    return shell.run([root / FOLDER / "tag"], error=ConfigError).stdout.decode().strip()


def named(root: Path) -> str | None:
    """Return the tag that sidecar.yml names."""
    return config.load(root / SETTINGS).pipeline.image.tag


def require_named(root: Path) -> None:
    """Raise ConfigError where sidecar.yml names another tag than this checkout needs."""
    there, needed = named(root), tag(root)
    if there != needed:
        raise ConfigError(
            f"sidecar.yml names the task image {there}, but ci/image, requirements.lock and go.version make "
            f"it {needed}",
            "Run ./inv image --write, and commit sidecar.yml.",
        )


def write(root: Path) -> str:
    """Write the tag into sidecar.yml, whose other lines stay as they are, and return it."""
    path, needed = root / SETTINGS, tag(root)
    text = path.read_text(encoding="utf-8")
    # In quotes: digits alone, or digits around an e, would be a number.
    changed, count = TAG.subn(rf'\g<before> "{needed}"\g<after>', text)
    if count != 1:
        raise ConfigError(
            "sidecar.yml has no line for pipeline.image.tag below `image:` in `pipeline:`",
            f'Write it there by hand: tag: "{needed}"',
        )
    if changed != text:
        path.write_text(changed, encoding="utf-8")
    return needed


def packages(root: Path) -> Mapping[str, str]:
    """Return the version of each package."""
    text = (root / PACKAGES).read_text(encoding="utf-8")
    return {found["name"]: found["version"] for found in PIN.finditer(text)}


def digest(versions: Mapping[str, str]) -> str:
    """Return what names a base with these packages."""
    lines = "".join(f"{name}={version}\n" for name, version in sorted(versions.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def update(root: Path, found: Mapping[str, str]) -> Mapping[str, str]:
    """Write these versions of the packages, and return those that changed, from and to."""
    before = packages(root)
    text = (root / PACKAGES).read_text(encoding="utf-8")
    changed = PIN.sub(lambda pin: f"{pin['name']}={found[pin['name']]}", text)
    (root / PACKAGES).write_text(changed, encoding="utf-8")
    return {name: f"{before[name]} → {found[name]}" for name in before if before[name] != found[name]}
