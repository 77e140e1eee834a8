"""Buildpacks as people make them by hand: the one of the story, and zips whose scripts nobody may execute."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.foundation.engine_fixtures import zip_of
from tests.foundation.staging.stagings import supply

READABLE = 0o100644


def by_curl(url: str) -> Mapping[str, str]:
    """Return the buildpack of the story: curl writes the program into the app's folder."""
    script = 'cd "$(dirname "$0")/.."\ncurl -sSf -o "$1/config-server" "$(cat .downloadurl)"'
    return {**supply(script), ".downloadurl": f"{url}\n"}


def zip_without_the_bit(path: Path, files: Mapping[str, str], name: str) -> Path:
    """Write a zip of scripts, all executable but the named one."""
    return _altered(zip_of(path, files), {name: READABLE << 16})


def zip_without_modes(path: Path, files: Mapping[str, str], attributes: int) -> Path:
    """Write a zip whose entries all have these attributes: 0 is what tools that know no modes leave."""
    return _altered(zip_of(path, files), dict.fromkeys(files, attributes))


def _altered(path: Path, attributes: Mapping[str, int]) -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        for name, value in attributes.items():
            archive.getinfo(name).external_attr = value
        archive.writestr("README", "")  # an entry more, or the list of entries would not be written anew
    return path
