"""Runs the benchmarks with what each needs: `package` and `supply` alone, `push` a foundation and a zip."""

import subprocess
import sys
from collections.abc import Callable, Mapping

from commands import wiring
from releaser.errors import ConfigError, SourceError


def run(name: str) -> None:
    """Run the benchmark of that name, or each of them; ends with the first one's exit code that is not 0."""
    if name and name not in BENCHES:
        raise ConfigError(f"there is no benchmark '{name}'", f"There are: {', '.join(BENCHES)}.")
    for one in [name] if name else list(BENCHES):
        _module(one, BENCHES[one]())


def _module(name: str, options: list[str]) -> None:
    argv = [sys.executable, "-m", f"bench.{name}", *options]
    code = subprocess.run(argv, cwd=wiring.ROOT, check=False).returncode
    if code:
        raise wiring.ended(code)


def _nothing() -> list[str]:
    return []


def _foundation() -> list[str]:
    """Return where the local foundation is, the newest uncached zip, and the first stack's image."""
    up = wiring.start_embedded()
    here = wiring.embedded()
    zips = sorted(
        (wiring.LOCAL / "releases" / wiring.EMBEDDED).glob("*/zips/*.zip"),
        key=lambda one: one.stat().st_mtime,
    )
    uncached = [one for one in zips if "-cached-" not in one.name]
    if not uncached:
        raise SourceError("there is no buildpack zip to push with", "Run ./inv release first.")
    image = here.image(next(iter(up.foundation.stacks)))
    ready = here.folder / "foundation" / "ready.json"
    return [f"--ready={ready}", f"--zip={uncached[-1]}", f"--image={image}"]


BENCHES: Mapping[str, Callable[[], list[str]]] = {
    "package": _nothing,
    "supply": _nothing,
    "push": _foundation,
}
