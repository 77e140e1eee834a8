"""What `./inv check`, `test` and `lock` do: the project looks at itself."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from commands import image_pins, wiring
from host import packages
from host.errors import HostError
from releaser import config, report
from releaser.errors import ConfigError
from releaser.tools import go, shell

BIN = Path(sys.prefix) / "bin"
# Two workers on two cores; tests/conftest.py says which tests share a worker, and which begin.
PARALLEL = ("--numprocesses=2", "--dist=loadscope", "--no-loadscope-reorder")
FAST = ("-m", "not slow and not engine and not train")


def run() -> None:
    """Run every check, show what each says, and end with 1 where one of them failed."""
    failed = [name for name, act in _checks().items() if not _passes(name, act)]
    if failed:
        report.error(f"{len(failed)} of the checks failed: {', '.join(failed)}")
        raise wiring.ended(1)


def _passes(name: str, act: Callable[[], int]) -> bool:
    report.title(name)
    return act() == 0


def _checks() -> Mapping[str, Callable[[], int]]:
    scripts = _shell_scripts()
    rules: dict[str, Sequence[str | Path]] = {
        "ruff": [BIN / "ruff", "check", "."],
        "ruff format": [BIN / "ruff", "format", "--check", "."],
        "mypy": [BIN / "mypy", "--strict", "."],
        "shellcheck": [BIN / "shellcheck", *scripts],
        "shfmt": [BIN / "shfmt", "-i", "2", "-d", *scripts],
        "yamllint": [BIN / "yamllint", "--strict", *_tracked("*.yml", "*.yaml")],
    }
    checks: dict[str, Callable[[], int]] = {name: _program(argv) for name, argv in rules.items()}
    return checks | {f"go vet {module}": _vet(module) for module in _go_modules()} | {"task image": _image}


def _image() -> int:
    """Say whether sidecar.yml names the image that this checkout needs."""
    try:
        image_pins.require_named(wiring.ROOT)
    except ConfigError as error:
        report.fact(f"{error.message}\n{error.remedy}")
        return 1
    return 0


def _program(argv: Sequence[str | Path]) -> Callable[[], int]:
    return lambda: shell.stream(argv, report.fact, cwd=wiring.ROOT)


def _vet(module: str) -> Callable[[], int]:
    def act() -> int:
        program, folder = _go(), wiring.ROOT / module
        unformatted: list[str] = []
        gofmt = program.with_name("gofmt")
        shell.stream([gofmt, "-l", "."], unformatted.append, cwd=folder)
        for line in unformatted:
            report.fact(f"{module}/{line} is not formatted: gofmt -w")
        vet = shell.stream([program, "vet", "./..."], report.fact, cwd=folder, env=_go_environment())
        return vet or len(unformatted)

    return act


def _tracked(*patterns: str) -> list[str]:
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    return shell.run(argv, cwd=wiring.ROOT).stdout.decode().splitlines()


def _shell_scripts() -> list[str]:
    """Return the tracked files that begin with a shell's name."""
    found = []
    for name in _tracked():
        with (wiring.ROOT / name).open("rb") as file:
            first = file.readline(64)
        if first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash")):
            found.append(name)
    return found


def _go_modules() -> tuple[str, ...]:
    """Return the folders of Go code: the sidecar's, and that of the foundation's programs."""
    return (config.load(wiring.SETTINGS).sidecar.source, "foundation/go")


def _go() -> Path:
    return wiring.go_program(config.load(wiring.SETTINGS))


def _go_environment(**more: str) -> Mapping[str, str]:
    return {**go.environment(wiring.LOCAL / "cache", go.host()), **more}


def test(*, fast: bool, only: str) -> None:
    """Run Go's tests with race detection, then pytest; pytest's own last line is the last."""
    if not fast:
        wiring.ensure_machine("git", "gcc", "mmdebstrap", "faketime")
        _ensure_browser()
    if not only:
        _test_go(race=not fast)
    argv = [sys.executable, "-m", "pytest", *PARALLEL, *_selection(fast, only)]
    raise wiring.ended(subprocess.run(argv, cwd=wiring.ROOT, check=False, env=_test_environment()).returncode)


def _ensure_browser() -> None:
    """Make sure of a browser, or say that there is none: Ubuntu has it as a snap alone."""
    try:
        wiring.ensure_machine(packages.BROWSER)
    except HostError as error:
        report.error(f"no browser, so the release page's tests will fail: {error.message}", error.remedy)


def _selection(fast: bool, only: str) -> list[str]:
    chosen = [*FAST] if fast else []
    if only:
        chosen += [only] if (wiring.ROOT / only.partition("::")[0]).exists() else ["-k", only]
    return chosen


def _test_environment() -> Mapping[str, str]:
    """Return what tests may know of the host: nothing that could change what they see."""
    return shell.environment({"PYTHONDONTWRITEBYTECODE": "1", "CI": os.environ.get("CI", "")})


def _test_go(*, race: bool) -> None:
    flags = ["-race"] if race else []
    needed = {"CGO_ENABLED": "1"} if race else {}
    for module in _go_modules():
        report.title(f"go test {module}")
        argv: list[str | Path] = [_go(), "test", *flags, "./..."]
        code = shell.stream(argv, report.fact, cwd=wiring.ROOT / module, env=_go_environment(**needed))
        if code:
            raise wiring.ended(code)


def lock() -> None:
    """Resolve pyproject.toml for every supported Python and platform, with hashes and without URLs."""
    argv = [
        *(str(BIN / "uv"), "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"),
        *("--output-file", "requirements.lock"),
    ]
    env = {"UV_PYTHON_DOWNLOADS": "never", "UV_CACHE_DIR": str(wiring.LOCAL / "cache" / "uv")}
    shell.run(argv, cwd=wiring.ROOT, env=env, remedy="It needs a package index: pip's own settings count.")
    report.say("requirements.lock is written; ./inv makes the environment anew at its next start.")
    report.say(f"sidecar.yml names the task image {image_pins.write(wiring.ROOT)}, which has it.")
