"""The pins' exact text."""

import shutil
from pathlib import Path

import pytest

from releaser import packaging, pins
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

MANIFEST = """language: toy
default_versions:
- name: toy
  version: 0.1.0
dependencies:
- name: toy
  version: 0.1.0
  uri: {uri}
  sha256: {digest}
  cf_stacks:
  - cflinuxfs4
include_files:
- .downloadurl
- .version
- VERSION
- bin/detect
- bin/supply
- manifest.yml
"""


def test_pins_are_exactly_this_text(stage: Stage) -> None:
    digest = stage.release.binaries()[0].digest
    base = f"{stage.store.endpoint}/releases/buildpacks/toy/0.1.0"
    uri = f"{base}/toy-linux-amd64-{digest[:12]}"
    found = {path: content.decode() for path, content in pins.of(stage.release).items()}
    changelog = found.pop("CHANGELOG.md")
    assert found == {
        "buildpack/.downloadurl": f"{uri}#sha256={digest}\n",
        "buildpack/.version": "0.1.0\n",
        "buildpack/VERSION": "0.1.0\n",
        "buildpack/manifest.yml": MANIFEST.format(uri=uri, digest=digest),
    }
    assert changelog.startswith("# Changelog\n\n## 0.1.0 (2023-11-14)\n")


def test_pins_are_the_same_when_those_of_an_older_release_lie_there(stage: Stage) -> None:
    expected = dict(pins.of(stage.release))
    for path in expected:
        (stage.release.source / path).write_text("older\n")
    assert dict(pins.of(stage.release)) == expected


def test_manifest_names_every_file_of_the_buildpack_folder(stage: Stage, tmp_path: Path) -> None:
    more = stage.release.source / "buildpack/lib/more.sh"
    more.parent.mkdir()
    shutil.copy(stage.release.source / "buildpack/bin/supply", more)
    (more.parent / "linked").symlink_to(tmp_path)
    stage.do("bump")
    named = packaging.read_manifest(stage.release.source / "buildpack")["include_files"]
    assert [name for name in named if name.startswith("lib/")] == ["lib/linked", "lib/more.sh"]
