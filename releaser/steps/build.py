"""Compiling the sidecar."""

from releaser import report
from releaser.errors import SourceError
from releaser.model import Release
from releaser.tools import go, shell


def skip(_release: Release) -> str | None:
    """Never skip: every other step needs the binaries."""
    return None


def find(release: Release) -> str | None:
    """Return the compiled files; they are cheap and reproducible, so being there is evidence enough."""
    if not all(release.binary_path(target).exists() for target in release.config.go.targets):
        return None
    return "\n".join(
        f"{binary.path.name} ({report.size(binary.path.stat().st_size)}, sha256 {binary.digest[:12]}…)"
        for binary in release.binaries()
    )


def run(release: Release) -> None:
    """Vet, test and cross-compile with exactly the Go of sidecar.yml, and ask the result its version."""
    release.check_out()
    program = go.find(release.config.go.version)
    source = release.source / release.config.sidecar.source
    cache = release.world.cache
    with report.waiting(f"Testing {release.config.sidecar.source} with Go {release.config.go.version}"):
        go.check(program, source, cache)
    for target in release.config.go.targets:
        path = release.binary_path(target)
        go.build(program, source, path, target=target, variables=release.variables, cache=cache)
    _require_version(release)


def _require_version(release: Release) -> None:
    path = release.binary_path(go.host())
    if go.host() not in release.config.go.targets:
        return
    answer = shell.run([path, "--version"], error=SourceError).stdout.decode().strip()
    expected = f"{release.name} {release.version}"
    if answer != expected:
        path.unlink()
        raise SourceError(
            f"`{release.name} --version` says '{answer}', not '{expected}'",
            "The program prints the variables main.name and main.version, which the build sets.",
        )
