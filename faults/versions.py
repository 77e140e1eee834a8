"""Decides whether everything that says a version says the same one: the program itself is asked too."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from faults.look import Seen

HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(os.uname().machine)


def agree(seen: Seen) -> Iterator[str]:
    """Yield each place that says another version than its tag or record."""
    for version, commit in seen.tags.items():
        said = {
            "Release": seen.released(version).get("Release", "").partition(" ")[2],
            "VERSION": seen.text(commit, "buildpack/VERSION"),
            ".version": seen.text(commit, "buildpack/.version"),
            "manifest.yml": _manifest_version(seen.file(commit, "buildpack/manifest.yml")),
        }
        yield from (f"{name} at v{version} says {what!r}" for name, what in said.items() if what != version)
    for version, record in seen.records():
        if record:
            yield from _record_agrees(seen, version, record)


def _record_agrees(seen: Seen, version: str, record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("version") != version:
        yield f"the record below {version} says {record.get('version')!r}"
    for row in record.get("zips", []):
        entries = seen.entries(f"{seen.prefix}{version}/{row['name']}")
        if f"-v{version}." not in row["name"]:
            yield f"the zip {row['name']} is of {version} and does not say so"
        for name in (".version", "VERSION"):
            if entries.get(name, b"").decode("utf-8", "replace").strip() != version:
                yield f"{name} in {row['name']} is not {version}"
        if _manifest_version(entries.get("manifest.yml")) != version:
            yield f"manifest.yml in {row['name']} is not of {version}"
    for row in record.get("binaries", []):
        if row["target"] == HERE and row["key"] in seen.objects:
            said = _ask_version(seen.objects[row["key"]].content)
            if said != f"{seen.name} {version}":
                yield f"`{row['key']} --version` says {said!r}"


def _manifest_version(content: bytes | None) -> str:
    import yaml

    try:
        dependencies = yaml.safe_load(content or b"")["dependencies"]
        return ", ".join(sorted({str(one["version"]) for one in dependencies}))
    except (yaml.YAMLError, KeyError, TypeError):
        return ""


@cache
def _ask_version(program: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program"
        path.write_bytes(program)
        path.chmod(0o755)
        try:
            done = subprocess.run([path, "--version"], check=False, capture_output=True, timeout=20)
        except OSError as error:
            return str(error)
        return done.stdout.decode("utf-8", "replace").strip()
