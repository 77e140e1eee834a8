"""What the checker sees: a bucket's objects and a repository's commits, read by their own formats alone."""

import hashlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.store import Stored
from faults.subject import git

if TYPE_CHECKING:
    from faults.world import World

Read = Callable[[str], bytes | None]  # a URL as anybody reads it; None where nobody can
SEMVER = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """What lies in a candidate's folder of the bucket: the report of a pass, and the commit that is ready."""

    source: str  # the first digits of the source commit
    report: Mapping[str, Any]
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Bucket and remote at one instant, when nothing runs."""

    objects: Mapping[str, Stored] = field(repr=False)
    repository: Path
    read: Read

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """sidecar.yml of main."""
        import yaml

        return dict(yaml.safe_load(self.file("main", "sidecar.yml") or b""))

    @cached_property
    def name(self) -> str:
        """The buildpack's name."""
        return str(self.settings["name"])

    @cached_property
    def prefix(self) -> str:
        """The part of the bucket that belongs to it."""
        return f"{self.settings['s3']['prefix']}/{self.name}/"

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The sha256 of each of its objects, taken from the bytes."""
        return {
            key: hashlib.sha256(stored.content).hexdigest()
            for key, stored in self.objects.items()
            if key.startswith(self.prefix)
        }

    @cached_property
    def refs(self) -> Mapping[str, str]:
        """The remote's refs, each with its commit."""
        form = "--format=%(refname) %(objectname) %(*objectname)"
        rows = (line.split(" ") for line in git(self.repository, "for-each-ref", form).splitlines())
        return {name: peeled or plain for name, plain, peeled in rows}

    @property
    def tags(self) -> Mapping[str, str]:
        """The commit of each version's tag."""
        named = {name.removeprefix("refs/tags/v"): commit for name, commit in self.refs.items()}
        return {version: commit for version, commit in named.items() if SEMVER.fullmatch(version)}

    @cached_property
    def public(self) -> Mapping[str, str]:
        """The digest of each public object: all but candidates and the page, which is written again."""
        return {
            key: digest
            for key, digest in self.digests.items()
            if SEMVER.fullmatch(key.removeprefix(self.prefix).split("/")[0])
        }

    def records(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield each published version with its record; one that is no JSON is an empty one."""
        for key in self.public:
            if key.endswith("/release.json"):
                yield key.removeprefix(self.prefix).split("/")[0], self.json(key)

    def json(self, key: str) -> Mapping[str, Any]:
        """Return an object of the bucket as JSON; nothing where it is none."""
        try:
            return dict(json.loads(self.objects[key].content))
        except (KeyError, ValueError):
            return {}

    def passes(self, version: str) -> list[Accepted]:
        """Return the reports in the bucket that say that a version passed."""
        pattern = re.compile(rf"{re.escape(self.prefix)}candidates/\d+-([0-9a-f]+)/accept-[^/]+\.json")
        found = []
        for match in filter(None, map(pattern.fullmatch, self.objects)):
            report = self.json(match.string)
            if report.get("passed") is True and report.get("version") == version:
                ready = self.json(f"{match.string.rpartition('/')[0]}/ready.json")
                found.append(Accepted(source=match[1], report=report, commit=ready.get("commit")))
        return found

    def file(self, revision: str, path: str) -> bytes | None:
        """Return a file's bytes at a revision, None where it is not there."""
        argv = ["git", "cat-file", "blob", f"{revision}:{path}"]
        done = subprocess.run(argv, cwd=self.repository, check=False, capture_output=True)
        return done.stdout if done.returncode == 0 else None

    def text(self, revision: str, path: str) -> str:
        """Return a small file without its line end; empty where it is not there."""
        return (self.file(revision, path) or b"").decode("utf-8", "replace").strip()

    def tree(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return git(self.repository, "rev-parse", f"{commit}^{{tree}}")

    def trailers(self, commit: str) -> Mapping[str, str]:
        """Return a commit's `Release` and `Source`."""
        return _trailers(git(self.repository, "show", "-s", "--format=%B", commit))

    def released(self, version: str) -> Mapping[str, str]:
        """Return the trailers of a version's tag: its commit's, or its own where the commit has none."""
        own = git(self.repository, "for-each-ref", "--format=%(contents)", f"refs/tags/v{version}")
        return self.trailers(self.tags[version]) or _trailers(own)

    def history(self, revision: str) -> list[str]:
        """Return every commit up to a revision, newest first."""
        return git(self.repository, "rev-list", revision).splitlines()

    def entries(self, key: str) -> Mapping[str, bytes]:
        """Return a zip's files; nothing where it is no zip."""
        try:
            with zipfile.ZipFile(io.BytesIO(self.objects[key].content)) as archive:
                return {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, KeyError):
            return {}


def _trailers(message: str) -> Mapping[str, str]:
    rows = (line.partition(": ") for line in message.splitlines())
    return {name: value for name, mark, value in rows if mark and name in {"Release", "Source"}}


def look(world: "World") -> Seen:
    """Look at a world: past the proxy, and anonymously where anybody may read."""
    import requests

    def read(url: str) -> bytes | None:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url.replace(world.endpoint, world.server.endpoint), timeout=60)
        return answer.content if answer.status_code == 200 else None

    return Seen(objects=world.server.objects(), repository=world.remote, read=read)


def state(seen: Seen) -> Mapping[str, str]:
    """Return every ref with its commit and every object with its digest, but for what a failure leaves."""
    objects = {key: digest for key, digest in seen.digests.items() if "/rejected-" not in key}
    return {**seen.refs, **objects}
