"""Proves that the cached buildpack needs no network at staging, and that the proof would notice if it did.

On the local foundation an annotation takes an app's staging off every network. Elsewhere every proxy variable
points at a port where nothing listens. Where the platform itself has to download the zip, only the variable
that it does not heed does; curl heeds it, with which our supply downloads. In each case the uncached zip has
to fail in the same way.
"""

import re
from collections.abc import Mapping
from typing import Any

from releaser.tools import cf
from tests.acceptance.candidate import ROOT, Row
from tests.acceptance.installs import Installed
from tests.acceptance.run import Run

BINARY = "binary_buildpack"  # a final buildpack that downloads nothing itself
CLOSED = "http://127.0.0.1:1"
CURL_PROXIES = {"all_proxy": CLOSED, "ALL_PROXY": CLOSED, "no_proxy": "", "NO_PROXY": ""}
PROXIES = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), CLOSED),
    **CURL_PROXIES,
}
# What curl, Go and Ruby say where nothing can be reached.
UNREACHABLE = re.compile(
    r"curl: \((?:5|6|7|28)\)|could ?n[o']t (?:resolve|connect)|failed to connect|no such host"
    r"|network is unreachable|connection refused|temporary failure in name resolution",
    re.IGNORECASE,
)
NO_NETWORK, CLOSED_PROXY = "staged without any network", "staged with proxies on a closed port"
CLOSED_CURL = "staged with curl's proxy on a closed port"
ENVIRONMENT: Mapping[str, Mapping[str, str]] = {CLOSED_PROXY: PROXIES, CLOSED_CURL: CURL_PROXIES}


def proof(run: Run) -> str | None:
    """Return which proof this run uses, None where no cached buildpack is under test."""
    if "cached" not in run.candidate.ways:
        return None
    if not run.candidate.creates_buildpacks:
        return CLOSED_CURL
    return NO_NETWORK if run.info.staging_network_annotation else CLOSED_PROXY


def annotations(run: Run, way: str) -> Mapping[str, str] | None:
    """Return what takes a cached row's staging off the network, where the foundation can."""
    name = run.info.staging_network_annotation
    return {name: "none"} if name and way == "cached" and proof(run) == NO_NETWORK else None


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
    return f"{run.mark.name}-offline-{run.candidate.stacks.index(stack)}-{variant}"


def cached_row(run: Run, stack: str) -> Row:
    """Return the row whose push is the proof where staging has no network."""
    return Row(app=run.candidate.apps[0], way="cached", stack=stack)


def entry(run: Run, installed: Installed, variant: str, stack: str) -> dict[str, Any]:
    """Return the manifest's entry of the app that is staged for the proof."""
    given = run.manifest(run.candidate.apps[0])
    final = [BINARY] if installed.binary else installed.finals(given["buildpacks"][1:])
    environment = {**(given.get("env") or {}), **ENVIRONMENT.get(proof(run) or "", {})}
    return {
        "name": app_name(run, variant, stack),
        "buildpacks": [installed.names[variant, stack], *final],
        "stack": stack,
        "env": environment,
        "command": "sleep 3600",
        "no-route": True,
    }


def stage(run: Run, installed: Installed, variant: str, stack: str) -> Mapping[str, Any]:
    """Stage the first app with one variant of the buildpack and nothing to download from."""
    given, folder = entry(run, installed, variant, stack), ROOT / "fixtures" / run.candidate.apps[0]
    cf.create_app(run.session, run.space, given["name"], run.mark.labels)
    guid = cf.apply(run.session, run.space, given, annotations=annotations(run, "cached"))
    return cf.stage(run.session, guid, cf.upload(run.session, guid, folder))
