"""A released world made by hand: bucket and git as the checker wants them, to be broken in one place."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from faults.checker import Broken, Memory, Terms, check
from faults.look import Seen
from faults.store import Stored
from faults.subject import commit, git

NAME, VERSION = "config-server", "0.1.0"
PREFIX = f"buildpacks/{NAME}/"
PUBLIC = f"{PREFIX}{VERSION}/"
BASE = "http://bucket.example/"
BINARY_KEY = f"{PUBLIC}{NAME}-linux-amd64"
ZIP = f"{NAME}_buildpack-cflinuxfs4-v{VERSION}.zip"
RECORD = f"{PUBLIC}release.json"
SETTINGS: Mapping[str, Any] = {
    "name": NAME,
    "s3": {"prefix": "buildpacks"},
    "stacks": ["cflinuxfs4"],
    "acceptance": {"apps": ["rubyapp"], "ways": ["uncached", "git"]},
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def program(version: str) -> bytes:
    return f"#!/bin/sh\necho {NAME} {version}\n".encode()


def manifest(version: str) -> str:
    return f"dependencies:\n- {{name: {NAME}, version: {version}}}\n"


def archive(version: str = VERSION, **files: str) -> bytes:
    """Return a buildpack's zip."""
    made = {"VERSION": version, ".version": version, "manifest.yml": manifest(version), **files}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in made.items():
            file.writestr(name, text)
    return content.getvalue()


@dataclass
class Good:
    """A repository and a bucket that may be changed before they are looked at."""

    repository: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    secrets: tuple[str, ...] = ()

    def git(self, *args: str) -> str:
        return git(self.repository, *args)

    @property
    def source(self) -> str:
        return self.git("rev-list", "--max-parents=0", "HEAD")

    @property
    def candidate(self) -> str:
        return f"{PREFIX}candidates/1-{self.source[:12]}/"

    @property
    def report_key(self) -> str:
        return f"{self.candidate}accept-faults.json"

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        self.objects[key] = json.dumps(value).encode()

    def change(self, key: str, **values: Any) -> None:
        """Change an object that is JSON."""
        self.put(key, {**json.loads(self.objects[key]), **values})

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        """Commit files to main."""
        for name, text in files.items():
            (self.repository / name).parent.mkdir(exist_ok=True)
            (self.repository / name).write_text(text)
        return commit(self.repository, message, 1_767_225_600)

    def seen(self) -> Seen:
        objects = {key: Stored(content=one, kind="", metadata={}) for key, one in self.objects.items()}
        return Seen(
            objects=objects,
            repository=self.repository,
            read=lambda url: self.objects.get(url.removeprefix(BASE)),
        )

    def broken(self) -> list[Broken]:
        """Let the checker look."""
        return check(self.seen(), self.memory, Terms(secrets=self.secrets))


def pins(version: str) -> Mapping[str, str]:
    url = f"{BASE}{BINARY_KEY}#sha256={digest(program(VERSION))}\n"
    return {
        "buildpack/.downloadurl": url,
        "buildpack/VERSION": f"{version}\n",
        "buildpack/.version": f"{version}\n",
        "buildpack/manifest.yml": manifest(version),
    }


def make(folder: Path) -> Good:
    """Make a world with one release."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    good = Good(folder)
    good.commit("feat: begin", {"sidecar.yml": yaml.safe_dump(dict(SETTINGS))})
    message = f"chore: release {NAME} {VERSION}\n\nRelease: {NAME} {VERSION}\nSource: {good.source}"
    made = good.commit(message, pins(VERSION))
    good.git("tag", f"v{VERSION}")
    good.objects |= {BINARY_KEY: program(VERSION), f"{PUBLIC}{ZIP}": archive()}
    accepted = digest(archive())
    rows = ["rubyapp/uncached/cflinuxfs4", "rubyapp/git/cflinuxfs4"]
    report = {
        "version": VERSION,
        "passed": True,
        "digests": {ZIP: accepted},
        "tests": [{"id": row, "outcome": "passed", "rows": [row]} for row in rows],
    }
    good.put(good.report_key, report)
    good.put(f"{good.candidate}ready.json", {"commit": made})
    binary = {"key": BINARY_KEY, "sha256": digest(program(VERSION)), "target": "linux/amd64"}
    zips = [{"name": ZIP, "sha256": accepted}]
    record = {"version": VERSION, "commit": made, "binaries": [binary], "zips": zips, "acceptance": report}
    good.put(RECORD, record)
    return good
