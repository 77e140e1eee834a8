"""What goes into a buildpack's zips: names, the manifest as packed, the cached place, and what is refused."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from releaser import packaging
from releaser.errors import PackageError
from releaser.packaging import Dependency
from releaser.tools import zips

BINARY = b"\x7fELF the program"
DIGEST = hashlib.sha256(BINARY).hexdigest()
URI = "https://cdn.example.com/toy/1.2.0/toy-linux-amd64-abc"
PLACE = f"dependencies/{hashlib.md5(URI.encode(), usedforsecurity=False).hexdigest()}/toy-linux-amd64-abc"
FILES = ["VERSION", "bin/supply", "lib/run", "lib/words.txt", "manifest.yml"]


def manifest(**changes: Any) -> dict[str, Any]:
    row = {"name": "toy", "version": "1.2.0", "uri": URI, "sha256": DIGEST, "cf_stacks": ["cflinuxfs4"]}
    fresh = {
        "language": "toy",
        "default_versions": [{"name": "toy", "version": "1.2.0"}],
        "dependencies": [row],
    }
    return {**fresh, "include_files": FILES, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "buildpack"
    (made / "bin").mkdir(parents=True)
    (made / "lib").mkdir()
    (made / "bin/supply").write_text("#!/bin/sh\n")
    (made / "lib/run").write_text("#!/bin/sh\n")
    (made / "lib/run").chmod(0o700)
    (made / "lib/words.txt").write_text("words\n")
    (made / "VERSION").write_text("1.2.0\n")
    write_manifest(made)
    (tmp_path / "binary").write_bytes(BINARY)
    return made


def write_manifest(folder: Path, **changes: Any) -> None:
    (folder / "manifest.yml").write_bytes(packaging.dump(manifest(**changes)))


def package(
    folder: Path, into: str = "out", *, stack: str | None = "cflinuxfs4", cached: bool = False
) -> Path:
    def fetch(_: Dependency) -> Path:
        return folder.parent / "binary"

    into_folder = folder.parent / into
    return packaging.package(
        folder, "1.2.0", stack=stack, cached=cached, epoch=1_700_000_000, into=into_folder, fetch=fetch
    )


def packed_manifest(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return dict(yaml.safe_load(archive.read("manifest.yml")))


@pytest.mark.parametrize(
    ("stack", "cached", "name"),
    [
        ("cflinuxfs4", False, "toy_buildpack-cflinuxfs4-v1.2.0.zip"),
        ("cflinuxfs4", True, "toy_buildpack-cached-cflinuxfs4-v1.2.0.zip"),
        (None, False, "toy_buildpack-v1.2.0.zip"),
        (None, True, "toy_buildpack-cached-v1.2.0.zip"),
    ],
)
def test_zip_has_the_packagers_name(folder: Path, stack: str | None, cached: bool, name: str) -> None:
    assert package(folder, stack=stack, cached=cached).name == name


def test_zip_holds_the_included_files_with_their_modes(folder: Path) -> None:
    with zipfile.ZipFile(package(folder)) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes == {
        "VERSION": 0o644, "bin/supply": 0o755, "lib/run": 0o755, "lib/words.txt": 0o644, "manifest.yml": 0o644
    }  # fmt: skip


def test_manifest_for_one_stack_gains_it_and_loses_the_lists_of_stacks(folder: Path) -> None:
    found = packed_manifest(package(folder))
    expected = manifest(stack="cflinuxfs4")
    del expected["dependencies"][0]["cf_stacks"]
    assert found == expected


def test_manifest_for_any_stack_stays_as_it_is(folder: Path) -> None:
    assert packed_manifest(package(folder, stack=None)) == manifest()


def test_manifest_for_one_stack_loses_the_dependencies_of_others(folder: Path) -> None:
    row = manifest()["dependencies"][0]
    other = {**row, "name": "other", "cf_stacks": ["cflinuxfs5"]}
    everywhere = {key: value for key, value in row.items() if key != "cf_stacks"} | {"name": "everywhere"}
    write_manifest(folder, dependencies=[row, other, everywhere])
    found = packed_manifest(package(folder))
    assert [one["name"] for one in found["dependencies"]] == ["toy", "everywhere"]


def test_cached_zip_holds_the_dependency_where_its_file_key_says(folder: Path) -> None:
    path = package(folder, cached=True)
    assert packed_manifest(path)["dependencies"][0]["file"] == PLACE
    with zipfile.ZipFile(path) as archive:
        assert archive.read(PLACE) == BINARY


def test_uncached_zip_holds_no_dependency_and_no_file_key(folder: Path) -> None:
    path = package(folder)
    assert "file" not in packed_manifest(path)["dependencies"][0]
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == FILES


def test_dependency_with_other_bytes_than_the_manifest_says_is_refused(folder: Path) -> None:
    (folder.parent / "binary").write_bytes(b"damaged")
    with pytest.raises(PackageError, match=f"has the digest .*, not {DIGEST}"):
        package(folder, cached=True)
    assert not list((folder.parent / "out").glob("*"))


def test_same_folder_elsewhere_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "buildpack"
    shutil.copytree(folder, copy, copy_function=shutil.copy)  # other dates
    shutil.copy(tmp_path / "binary", copy.parent / "binary")
    for cached in (False, True):
        one, two = package(folder, cached=cached), package(copy, cached=cached)
        assert one.read_bytes() == two.read_bytes()


def test_expected_entries_are_those_of_the_zip(folder: Path) -> None:
    def fetch(_: Dependency) -> Path:
        return folder.parent / "binary"

    path = package(folder, cached=True)
    found = [(one.path, one.mode, one.digest) for one in zips.entries(path)]
    assert packaging.expected_entries(folder, stack="cflinuxfs4", cached=True, fetch=fetch) == found


def test_file_that_the_manifest_does_not_name_is_refused(folder: Path) -> None:
    (folder / "lib/.stray.swp").touch()
    with pytest.raises(PackageError, match=r"does not name: lib/\.stray\.swp"):
        package(folder)


def test_file_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "lib/run").unlink()
    with pytest.raises(PackageError, match="include_files names lib/run, which is no plain file"):
        package(folder)


def test_link_to_a_file_is_refused(folder: Path) -> None:
    (folder / "lib/run").unlink()
    (folder / "lib/run").symlink_to("words.txt")
    with pytest.raises(PackageError, match="include_files names lib/run, which is no plain file"):
        package(folder)


def test_link_to_a_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    (folder / "more").symlink_to(tmp_path / "outside")
    with pytest.raises(PackageError, match=r"does not name: more$"):
        package(folder)


@pytest.mark.parametrize(
    "content",
    [
        "key = AKIAABCDEFGHIJKLMNOP\n",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "https://user:s3cret@example.com/x\n",
    ],
)
def test_file_with_a_credential_is_refused_and_it_is_not_shown(folder: Path, content: str) -> None:
    (folder / "lib/words.txt").write_text(content)
    with pytest.raises(PackageError, match=r"lib/words\.txt holds what looks like a credential") as caught:
        package(folder)
    assert "s3cret" not in caught.value.message
    assert content.strip() not in caught.value.message


def test_file_that_only_speaks_of_credentials_is_packed(folder: Path) -> None:
    (folder / "lib/words.txt").write_text("https://example.com:8080/a@b, $URL://$USER:$PASSWORD@host, AKIA\n")
    package(folder)


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "lib/../lib/run", "./VERSION", "", "lib//run"])
def test_name_that_leads_elsewhere_is_refused(folder: Path, name: str) -> None:
    write_manifest(folder, include_files=[*FILES, name])
    with pytest.raises(PackageError, match="which cannot be packaged"):
        package(folder)


def test_name_that_is_there_twice_is_refused(folder: Path) -> None:
    write_manifest(folder, include_files=[*FILES, "VERSION"])
    with pytest.raises(PackageError, match="'VERSION', which cannot be packaged"):
        package(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a\n", "is not a map"),
        ("", "is not a map"),
        ("a: [", "cannot be read"),
        ("language: toy\n", "lacks dependencies, include_files"),
        (yaml.safe_dump(manifest(stack="cflinuxfs4")), "has a stack already"),
    ],
)
def test_manifest_that_is_none_is_refused(folder: Path, content: str, said: str) -> None:
    (folder / "manifest.yml").write_text(content)
    with pytest.raises(PackageError, match=said) as caught:
        package(folder)
    assert "./inv bump" in caught.value.remedy


def test_manifest_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "manifest.yml").unlink()
    with pytest.raises(PackageError, match=r"manifest\.yml cannot be read"):
        package(folder)
