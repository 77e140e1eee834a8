"""Acceptance in the bucket: the report of a pass, whole or stack by stack, and what it has to prove."""

from collections.abc import Mapping, Sequence
from typing import Any

from releaser import candidate, report
from releaser.candidate import Ready
from releaser.errors import ConfigError, NotAcceptedError, OverwriteError
from releaser.model import Release

MERGED = ("digests", "stacks", "urls")  # maps in a report, each of which grows stack by stack
Report = Mapping[str, Any]


def passed(release: Release) -> Report | None:
    """Return the report of the passed acceptance of every stack on this foundation, or None."""
    return candidate.read_json(release, release.acceptance_key)


def of_stack(release: Release, stack: str) -> Report | None:
    """Return the report of the passed acceptance of one stack, where stacks were accepted one by one."""
    return candidate.read_json(release, release.stack_key(stack))


def stacks(release: Release) -> tuple[str, ...]:
    """Return the stacks to accept now: the one that was asked for, else all that the source commit names."""
    known = release.own_config.stacks
    if release.stack is None:
        return known
    if release.stack not in known:
        raise ConfigError(
            f"there is no stack '{release.stack}' in sidecar.yml", f"It names: {', '.join(known)}."
        )
    return (release.stack,)


def required_rows(release: Release) -> set[str]:
    """Return the acceptance rows that gate the release, as its source commit asks: app, way in, stack."""
    config = release.own_config.acceptance
    return {f"{app}/{way}/{stack}" for app in config.apps for way in config.ways for stack in stacks(release)}


def find(release: Release) -> Report | None:
    """Return the report that makes accepting again needless, having looked into it, or None."""
    ready = candidate.ready(release)
    if ready is None:
        return None
    found = passed(release)
    if found is None and release.stack:
        parts = _parts(release)
        found = None if _is_whole(release, parts) else parts.get(release.stack)
    if found:
        require_gate(release, ready, found)
    return found


def keep(release: Release, ready: Ready, made: Report) -> None:
    """Put the report of a pass; the last stack's, where they come one by one, makes the whole one as well."""
    require_gate(release, ready, made)
    if release.stack is None:
        _put(release, ready, release.acceptance_key, made)
        return
    _put(release, ready, release.stack_key(release.stack), made)
    parts = _parts(release)
    if _is_whole(release, parts):
        _put(release, ready, release.acceptance_key, combined(list(parts.values())))


def combined(parts: Sequence[Report]) -> Report:
    """Return the whole report of the reports of each stack."""
    merged = {key: {name: one for part in parts for name, one in part[key].items()} for key in MERGED}
    return {**parts[0], **merged, "tests": [test for part in parts for test in part["tests"]]}


def _parts(release: Release) -> Mapping[str, Report]:
    """Return the report of each stack that has one, in the order of sidecar.yml."""
    found = {stack: of_stack(release, stack) for stack in release.own_config.stacks}
    return {stack: part for stack, part in found.items() if part is not None}


def _is_whole(release: Release, parts: Mapping[str, Report]) -> bool:
    """Say whether every stack has its part."""
    return len(parts) == len(release.own_config.stacks)


def _put(release: Release, ready: Ready, key: str, made: Report) -> None:
    """Put a report; one that another run has put meanwhile counts too, if it is of exactly these zips."""
    try:
        candidate.put_json(release, key, made)
    except OverwriteError:
        other = candidate.read_json(release, key)
        if other is None:
            raise
        require_gate(release, ready, other)
        report.fact("Another run has accepted exactly these zips meanwhile: its report counts.")


def require_gate(release: Release, state: Ready, found: Report) -> None:
    """Refuse a report that is not of these zips, lacks a required row, or stood on a stand-in.

    Raises NotAcceptedError. A stand-in root file system is enough for the embedded environment alone, unless
    `acceptance.stand_in` says otherwise. A report of every stack does for one of them.
    """
    key = release.stack_key(release.stack) if release.stack else release.acceptance_key
    remedy = f"Remove {key} from the bucket, if it is there, and run ./inv accept again."
    of = {*found["stacks"], release.stack} if release.stack else {one.stack for one in state.zips}
    if found["digests"] != {one.name: one.digest for one in state.zips if one.stack in of}:
        raise NotAcceptedError("the acceptance report is of other zips than ready.json's", remedy)
    tests = found["tests"]
    if not found["passed"] or not tests or any(test["outcome"] != "passed" for test in tests):
        raise NotAcceptedError("the acceptance report holds a test that did not pass", remedy)
    missing = required_rows(release) - {row for test in tests for row in test["rows"]}
    if missing:
        raise NotAcceptedError(f"the acceptance report lacks {', '.join(sorted(missing))}", remedy)
    stand_ins = [stack for stack, kind in found["stacks"].items() if kind != "official"]
    if stand_ins and release.world.environment != "embedded" and not release.config.acceptance.stand_in:
        raise NotAcceptedError(
            f"{', '.join(stand_ins)} on {found['foundation']} is a stand-in, "
            f"which {release.world.environment} does not accept",
            "Use a foundation with the official stack, or set acceptance.stand_in: true.",
        )
