"""Proves that the cached buildpack needs no network at staging, and that the proof would notice if it did.

On the local foundation an annotation takes an app's staging off every network. Elsewhere every proxy variable
points at a port where nothing listens. In both cases the uncached buildpack has to fail in the same way.
"""

import re
from collections.abc import Mapping
from typing import Any

from releaser.tools import cf
from tests.acceptance.candidate import ROOT, Row
from tests.acceptance.installs import Installed
from tests.acceptance.run import Run, manifest

BINARY = "binary_buildpack"  # a final buildpack that downloads nothing itself
CLOSED = "http://127.0.0.1:1"
PROXIES = {
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), CLOSED
    ),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
}
# What curl, Go and Ruby say where nothing can be reached.
UNREACHABLE = re.compile(
    r"curl: \((?:5|6|7|28)\)|could ?n[o']t (?:resolve|connect)|failed to connect|no such host"
    r"|network is unreachable|connection refused|temporary failure in name resolution",
    re.IGNORECASE,
)
NO_NETWORK, CLOSED_PROXY = "staged without any network", "staged with proxies on a closed port"


def proof(run: Run) -> str | None:
    """Return which proof this run uses, None where no cached buildpack is under test."""
    if "cached" not in run.candidate.ways:
        return None
    return NO_NETWORK if run.info.staging_network_annotation else CLOSED_PROXY


def annotations(run: Run, way: str) -> Mapping[str, str] | None:
    """Return what takes a cached row's staging off the network, where the foundation can."""
    name = run.info.staging_network_annotation
    return {name: "none"} if name and way == "cached" else None


def is_off_the_network(run: Run, app_guid: str) -> bool:
    """Say whether the foundation has the annotation that takes an app's staging off the network."""
    with cf.explained("read the app's annotations"):
        app = run.session.client.v3.apps.get(app_guid)
    return bool(app["metadata"]["annotations"].get(run.info.staging_network_annotation) == "none")


def stagings(run: Run) -> tuple[tuple[str, str], ...]:
    """Return the (variant, stack) that are staged for the proof alone, beside the rows."""
    if proof(run) is None:
        return ()
    # Where staging has no network, the cached row itself is the proof: only the control is missing.
    variants = ("uncached",) if proof(run) == NO_NETWORK else ("cached", "uncached")
    return tuple((variant, stack) for stack in run.candidate.stacks for variant in variants)


def app_name(run: Run, variant: str, stack: str) -> str:
    """Return the name of the app that is staged, and never started, for the proof."""
    return f"{run.label}-offline-{run.candidate.stacks.index(stack)}-{variant}"


def cached_row(run: Run, stack: str) -> Row:
    """Return the row whose push is the proof where staging has no network."""
    return Row(app=run.candidate.apps[0], way="cached", stack=stack)


def stage(run: Run, installed: Installed, variant: str, stack: str) -> Mapping[str, Any]:
    """Stage the first app with one variant of the buildpack and nothing to download from."""
    app = run.candidate.apps[0]
    given = manifest(app)
    final = [BINARY] if installed.binary else given["buildpacks"][1:]
    environment = dict(given.get("env") or {})
    if proof(run) == CLOSED_PROXY:
        environment |= PROXIES
    entry = {
        "name": app_name(run, variant, stack),
        "buildpacks": [installed.buildpacks[variant, stack].name, *final],
        "stack": stack,
        "env": environment,
        "command": "sleep 3600",
        "no-route": True,
    }
    guid = cf.apply(run.session, run.space, entry, annotations=annotations(run, "cached"))
    return cf.stage(run.session, guid, cf.upload(run.session, guid, ROOT / "fixtures" / app))
