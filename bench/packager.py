"""The rival of packaging: Cloud Foundry's buildpack-packager, built from the sources that go.sum pins."""

import os
from collections.abc import Sequence
from pathlib import Path

from bench.harness import LOCAL, ROOT
from releaser import config
from releaser.errors import SourceError
from releaser.tools import go, shell

MODULE = ROOT / "bench" / "rivals" / "packager"
PROGRAM = "github.com/cloudfoundry/libbuildpack/packager/buildpack-packager"


def toolchain() -> Path:
    """Return the environment's Go."""
    return go.find(config.load(ROOT / "sidecar.yml").go.version)


def version(program: Path) -> str:
    """Return the version of a go program."""
    done = shell.run([program, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}, error=SourceError)
    return done.stdout.decode().strip()


def build(with_go: Path) -> Path:
    """Build the program and return it; the first time downloads the modules, later Go's caches make it quick.

    Raises SourceError with what Go says.
    """
    into = LOCAL / "packager" / "buildpack-packager"
    into.parent.mkdir(parents=True, exist_ok=True)
    proxy = {name: os.environ[name] for name in ("GOPROXY", "GOSUMDB") if name in os.environ}
    shell.run(
        [with_go, "build", "-mod=readonly", "-trimpath", "-o", into, PROGRAM],
        cwd=MODULE,
        env={**go.environment(ROOT / ".local" / "cache", go.host()), **proxy},
        error=SourceError,
        remedy="Where a module could not be downloaded: connect to the network or set GOPROXY.",
    )
    return into


def command(program: Path, release: str, *, stack: str | None, cache: Path | None) -> Sequence[str]:
    """Return the words that package the current folder; with a cache of dependencies, the cached zip.

    The cache holds each dependency where a cached zip does, so that nothing is downloaded.
    """
    what = ["-any-stack"] if stack is None else ["-stack", stack]
    cached = [] if cache is None else ["-cached", "-cachedir", str(cache)]
    return [str(program), "build", *what, *cached, "-version", release]
