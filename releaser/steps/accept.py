"""Pushing real apps with the candidate to a foundation."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from releaser import acceptance, candidate, report
from releaser.candidate import Ready
from releaser.errors import ConfigError, NotAcceptedError, SourceError
from releaser.model import Release, encode
from releaser.tools import shell

TESTS = "tests/acceptance"


def skip(_release: Release) -> str | None:
    """Never skip: a skipped check never counts as passed."""
    return None


def find(release: Release) -> str | None:
    """Return what passed where the bucket holds the report of exactly these zips on this foundation."""
    passed = acceptance.find(release)
    if passed is None:
        return None
    return f"{len(passed['tests'])} tests on {passed['foundation']} ({_kinds(passed)})"


def run(release: Release) -> None:
    """Run tests/acceptance with the zips of the bucket; keep the report, under another key for a failure."""
    ready = candidate.ready(release)
    if ready is None:
        raise SourceError(f"{release.ready_key} is not in the bucket", "Run ./inv package first.")
    result = release.stack and acceptance.of_stack(release, release.stack)
    acceptance.keep(release, ready, result or _accept(release, ready))


def _accept(release: Release, ready: Ready) -> Mapping[str, Any]:
    release.check_out()
    folder = release.folder / "acceptance"
    folder.mkdir(parents=True, exist_ok=True)
    result = _push(release, ready, folder)
    if not result["passed"]:
        failures = (
            f"{release.candidate_prefix}/rejected-{release.config.foundation.name}-{time.time_ns()}.json"
        )
        candidate.put_json(release, failures, result)
        raise NotAcceptedError(
            f"{release.name} {release.version} was not accepted by {release.config.foundation.name}",
            f"The report, the logs and, of what failed, diagnostics/ are in {folder}; "
            "main and the public names are as they were.",
        )
    return result


def _push(release: Release, ready: Ready, folder: Path) -> Mapping[str, Any]:
    access = release.world.access
    if access is None:
        raise ConfigError("no user for the foundation is given", "Set CF_USERNAME and CF_PASSWORD.")
    order, outcome = folder / "candidate.json", folder / "report.json"
    outcome.unlink(missing_ok=True)
    order.write_bytes(encode(_order(release, ready)))
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")  # the latter takes a second to import
    argv = [sys.executable, "-m", "pytest", TESTS, "-q", "--no-header", *without]
    env = {
        "CF_USERNAME": access.user,
        "CF_PASSWORD": access.password,
        "PYTHONPATH": str(release.source),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    rows = len(acceptance.required_rows(release))
    with report.waiting(f"Pushing {rows} apps to {release.config.foundation.name}"):
        code = shell.stream(
            [*argv, f"--candidate={order}", f"--report={outcome}"], report.fact, cwd=release.source, env=env
        )
    _mask(folder)
    if not outcome.exists():
        raise NotAcceptedError(
            f"the acceptance tests ended with {code} and no report", "Their words are above."
        )
    return dict(json.loads(outcome.read_text(encoding="utf-8")))


def _mask(folder: Path) -> None:
    """Hide in what the suite has written also those secrets that it was not given."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".log", ".yml"):
            text = path.read_text(encoding="utf-8", errors="replace")
            masked = report.mask(text)
            if masked != text:
                path.write_text(masked, encoding="utf-8")


def _order(release: Release, ready: Ready) -> Mapping[str, Any]:
    config, own = release.config, release.own_config  # where it is pushed to; what the source asks for
    stacks = acceptance.stacks(release)
    zips = [
        {
            "stack": one.stack,
            "variant": one.variant,
            "path": str(candidate.fetch(release, one)),
            "sha256": one.digest,
            "key": f"{release.candidate_prefix}/{one.name}",
        }
        for one in ready.zips
        if one.stack in stacks
    ]
    git_url, public = release.world.git_url, release.world.public
    shared = release.world.environment != "embedded"
    return {
        "name": release.name,
        "version": release.version,
        "foundation": config.foundation.model_dump(),
        "zips": zips,
        "git": {"url": git_url, "ref": _git_ref(release)} if git_url else None,
        "apps": list(own.acceptance.apps),
        "ways": list(own.acceptance.ways),
        "stacks": list(stacks),
        "sidecar": own.sidecar.model_dump(),
        "public": {"base": public.base, "resolve": dict(public.resolve)},
        "shared": shared,
        "time_to_live": config.acceptance.time_to_live,
        # On a foundation that others use, nothing stays.
        "keep": [] if shared else list(own.acceptance.apps),
    }


def _git_ref(release: Release) -> str:
    """Return what staging clones: the candidate's branch, or the tag once it is promoted."""
    return release.branch if release.world.repository.branch(release.branch) else release.tag


def _kinds(passed: Mapping[str, Any]) -> str:
    return ", ".join(f"{stack}: {kind}" for stack, kind in sorted(passed["stacks"].items()))
