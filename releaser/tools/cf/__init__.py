"""Speaks Cloud Foundry's v3 API to any foundation: sign in, install buildpacks, push and ask apps, read logs.

What `cloudfoundry-client` has is its call; the rest is plain HTTP with that client's token. No request ever
goes to /v2.
"""

from releaser.tools.cf.apps import Instance, apply, delete_app, find_app, instances, read_manifest, sidecars
from releaser.tools.cf.buildpacks import (
    Buildpack,
    delete_buildpack,
    find_buildpacks,
    install_buildpack,
    stack_of,
)
from releaser.tools.cf.logs import LogLine, recent_logs
from releaser.tools.cf.pushing import App, StagingFailedError, StartFailedError, push, stage, start, upload
from releaser.tools.cf.routes import Answer, delete_route, routes, urls, visit
from releaser.tools.cf.session import (
    ApiRefusedError,
    Info,
    Session,
    Space,
    ensure_space,
    explained,
    info,
    login,
    resources,
    stacks,
    wait_for,
)

__all__ = [
    "Answer",
    "ApiRefusedError",
    "App",
    "Buildpack",
    "Info",
    "Instance",
    "LogLine",
    "Session",
    "Space",
    "StagingFailedError",
    "StartFailedError",
    "apply",
    "delete_app",
    "delete_buildpack",
    "delete_route",
    "ensure_space",
    "explained",
    "find_app",
    "find_buildpacks",
    "info",
    "install_buildpack",
    "instances",
    "login",
    "push",
    "read_manifest",
    "recent_logs",
    "resources",
    "routes",
    "sidecars",
    "stack_of",
    "stacks",
    "stage",
    "start",
    "upload",
    "urls",
    "visit",
    "wait_for",
]
