"""Decides, from bucket and git alone, whether what was promised is true; see docs/faults.md for the list."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from faults import versions
from faults.look import Seen

INVARIANTS: Mapping[str, str] = {
    "accepted": "main and tags name only what a foundation accepted; a tag is reachable from main",
    "same bytes": "the bytes that were accepted are the bytes that are published",
    "never overwritten": "nothing published is overwritten; one version, one source, one record",
    "resumed": "the same command ends in the state of an undisturbed run",
    "fetchable": ".downloadurl names what anybody can fetch and verify",
    "one version": "sidecar, pins, manifest, zip names, tag and record agree",
    "no skipped": "a skipped check never counts as passed",
    "no secret": "no secret is in output, bucket or git",
    "told": "a failure is told: a documented exit code, one `Error:` and no traceback",
}


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A promise that is not kept, and how that shows."""

    invariant: str
    words: str


@dataclass
class Memory:
    """What was public at earlier looks: it never changes again, and never goes."""

    public: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the harness knows besides: planted secrets, and keys whose bytes a lying store replaced."""

    secrets: tuple[str, ...] = ()
    corrupted: frozenset[str] = frozenset()


def check(seen: Seen, memory: Memory, terms: Terms) -> list[Broken]:
    """Return every promise that is broken now, and remember what is public."""
    rules: Mapping[str, Callable[[], Iterator[str]]] = {
        "accepted": lambda: _accepted(seen, terms),
        "same bytes": lambda: _same_bytes(seen, terms),
        "never overwritten": lambda: _never_overwritten(seen, memory),
        "fetchable": lambda: _fetchable(seen),
        "one version": lambda: versions.agree(seen),
        "no skipped": lambda: _no_skipped(seen, terms),
        "no secret": lambda: _no_secret(seen, terms),
    }
    found = [Broken(invariant=name, words=words) for name, rule in rules.items() for words in rule()]
    memory.public.update(seen.public)
    memory.tags.update(seen.tags)
    return found


def whole(seen: Seen, source: str) -> Iterator[str]:
    """Yield what is missing of a world where the newest source is released, whatever came before it."""
    sources = {seen.released(version).get("Source"): version for version in seen.tags}
    records = dict(seen.records())
    if source not in sources:
        yield f"the source {source[:12]} is not released"
    elif seen.text("main", "buildpack/VERSION") != sources[source]:
        yield f"main does not name {sources[source]}, the newest release"
    if f"refs/heads/candidate/{source[:12]}" in seen.refs:
        yield f"the branch candidate/{source[:12]} is left"
    for version in seen.tags:
        if not records.get(version):
            yield f"v{version} has no record"


def _accepted(seen: Seen, terms: Terms) -> Iterator[str]:
    history = seen.history("main")
    for version, commit in seen.tags.items():
        if commit not in history:
            yield f"v{version} is on {commit[:12]}, which main does not reach"
        if not _is_accepted(seen, commit, seen.released(version)):
            yield f"v{version} is on {commit[:12]}, which no foundation accepted"
    named = seen.text("main", "buildpack/VERSION")
    if named and not _names_accepted(seen, named, history):
        yield f"main names {named}, which no foundation accepted"
    for version, record in seen.records():
        corrupted = f"{seen.prefix}{version}/release.json" in terms.corrupted
        if seen.tags.get(version) != record.get("commit") and not corrupted:
            yield f"the record of {version} is there, and v{version} is not on its commit"


def _names_accepted(seen: Seen, version: str, history: list[str]) -> bool:
    """Say whether a commit of main is the accepted one of the version that main names, or has its tree."""
    if version in seen.tags:
        return True  # looked at as a tag
    sources = [one.commit for one in seen.passes(version) if one.commit]
    trees = {seen.tree(commit) for commit in sources}
    return any(commit in sources or seen.tree(commit) in trees for commit in history)


def _is_accepted(seen: Seen, commit: str, released: Mapping[str, str]) -> bool:
    """Say whether a passed report stands beside a candidate of exactly this commit, or of an equal tree."""
    version = released.get("Release", "").partition(" ")[2]
    passes = [one for one in seen.passes(version) if one.source[:12] == released.get("Source", "-")[:12]]
    commits = [one.commit for one in passes if one.commit]
    return commit in commits or any(seen.tree(one) == seen.tree(commit) for one in commits)


def _same_bytes(seen: Seen, terms: Terms) -> Iterator[str]:
    records = dict(seen.records())
    for key, digest in seen.public.items():
        version, _, name = key.removeprefix(seen.prefix).partition("/")
        if not name.endswith(".zip") or (version not in records and key in terms.corrupted):
            continue
        if digest not in _accepted_digests(seen, version, name):
            yield f"{key} is public with {digest[:12]}, which no foundation accepted under this name"
    for version, record in records.items():
        for row in [*record.get("zips", []), *record.get("binaries", []), *record.get("documents", [])]:
            key = str(row.get("key") or f"{seen.prefix}{version}/{row['name']}")
            if seen.digests.get(key) != row["sha256"]:
                yield f"the record of {version} says {row['sha256'][:12]} of {key}: it is not so"


def _accepted_digests(seen: Seen, version: str, name: str) -> set[str]:
    """Return what passed under a zip's name as this version, by the bytes' own digest."""
    return {str(one.report.get("digests", {}).get(name)) for one in seen.passes(version)}


def _never_overwritten(seen: Seen, memory: Memory) -> Iterator[str]:
    for key, digest in memory.public.items():
        if seen.public.get(key) != digest:
            yield f"{key} was {digest[:12]} and is {(seen.public.get(key) or 'gone')[:12]}"
    for version, commit in memory.tags.items():
        if seen.tags.get(version) != commit:
            yield f"v{version} was on {commit[:12]} and is {(seen.tags.get(version) or 'gone')[:12]}"
    sources: dict[str, str] = {}
    for version in seen.tags:
        source = seen.released(version).get("Source", "")
        if source in sources:
            yield f"{version} and {sources[source]} are both of the source {source[:12]}"
        sources[source] = version
        claim = seen.json(f"{seen.prefix}{version}/source.json")
        if claim.get("source", source) != source:
            yield f"{version} is of {source[:12]}, and {str(claim['source'])[:12]} has claimed it"


def _fetchable(seen: Seen) -> Iterator[str]:
    for revision in ["main", *seen.tags.values()]:
        line = seen.text(revision, "buildpack/.downloadurl")
        if not line:
            continue
        url, _, digest = line.partition("#sha256=")
        content = seen.read(url)
        if content is None:
            yield f"{revision[:12]} names {url}, which nobody can fetch"
        elif hashlib.sha256(content).hexdigest() != digest:
            yield f"{revision[:12]} names {url} with another digest than its bytes have"


def _no_skipped(seen: Seen, terms: Terms) -> Iterator[str]:
    reports = [key for key in seen.digests if "/accept-" in key and key not in terms.corrupted]
    records = {f"the record of {version}": one["acceptance"] for version, one in seen.records() if one}
    passes = {**{key: seen.json(key) for key in reports}, **records}
    for where, report in passes.items():
        tests = report.get("tests", [])
        others = sorted({str(test["outcome"]) for test in tests} - {"passed"})
        missing = _required(seen) - {row for test in tests for row in test["rows"]}
        if others or not tests or report.get("passed") is not True:
            yield f"{where} counts as a pass with {', '.join(others) or 'no test'}"
        if missing:
            yield f"{where} counts as a pass without {', '.join(sorted(missing))}"


def _required(seen: Seen) -> set[str]:
    acceptance = seen.settings["acceptance"]
    return {
        f"{app}/{way}/{stack}"
        for app in acceptance["apps"]
        for way in acceptance["ways"]
        for stack in seen.settings["stacks"]
    }


def _no_secret(seen: Seen, terms: Terms) -> Iterator[str]:
    planted = [secret.encode() for secret in terms.secrets]
    for key, stored in seen.objects.items():
        held = [stored.content, *(seen.entries(key).values() if key.endswith(".zip") else ())]
        if any(secret in one for one in held for secret in planted):
            yield f"{key} holds a secret"
    argv = ["git", "log", "--all", "--patch", "--format=%B"]
    shown = subprocess.run(argv, cwd=seen.repository, check=True, capture_output=True).stdout
    if any(secret in shown for secret in planted):
        yield "a commit holds a secret"
