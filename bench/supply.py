"""Installs a program of 7 MB by the buildpack's bin/supply, beside plain scripts that download it with curl.

The rival that counts verifies the sha256 too; the other does not, and shows what verifying costs. All three
read the same pins and download from a server on this machine's loopback, into folders that are new each time.
"""

import argparse
import hashlib
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import harness
from bench.harness import LOCAL, ROOT
from releaser import packaging

HERE = LOCAL / "supply"
NAME, VERSION, STACK = "config-server", "1.0.0", "cflinuxfs4"
PROGRAM = random.Random(1).randbytes(7_000_000)  # noqa: S311 - the same on every machine
RIVALS = ("verified", "unverified")


class _Quiet(SimpleHTTPRequestHandler):
    """A file server that keeps no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the seconds of an uncached installation."""
    parser = argparse.ArgumentParser(prog="python -m bench.supply", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "served").mkdir(parents=True)
    (HERE / "served" / NAME).write_bytes(PROGRAM)
    with _served(HERE / "served") as address:
        scripts = _scripts(f"{address}/{NAME}")
        ours, verified, unverified = harness.alternate(options.rounds, *map(_side, scripts))
    figures = [
        harness.figure("supply", f"seconds-{rival}", ours=ours, rival=theirs, unit="s")
        for rival, theirs in zip(RIVALS, (verified, unverified), strict=True)
    ]
    harness.save("supply", figures)


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _scripts(url: str) -> Sequence[Path]:
    """Lay out our buildpack and its rivals, each with the same pins, and return their scripts."""
    buildpack = HERE / "buildpack"
    shutil.copytree(ROOT / "buildpack" / "bin", buildpack / "bin")
    _pin(buildpack, url)
    rivals = HERE / "rivals"
    shutil.copytree(ROOT / "bench" / "rivals" / "supply", rivals)
    _pin(rivals, url)
    return [buildpack / "bin" / "supply", *(rivals / f"{name}.sh" for name in RIVALS)]


def _pin(folder: Path, url: str) -> None:
    digest = hashlib.sha256(PROGRAM).hexdigest()
    named = {"name": NAME, "version": VERSION}
    row = {**named, "uri": url, "sha256": digest, "cf_stacks": [STACK]}
    manifest = {"language": NAME, "default_versions": [named], "dependencies": [row], "include_files": []}
    (folder / "VERSION").write_text(f"{VERSION}\n", encoding="utf-8")
    (folder / ".version").write_text(f"{VERSION}\n", encoding="utf-8")
    (folder / ".downloadurl").write_text(f"{url}#sha256={digest}\n", encoding="utf-8")
    (folder / "manifest.yml").write_bytes(packaging.dump(manifest))


def _side(script: Path) -> Callable[[], float]:
    def install() -> float:
        with tempfile.TemporaryDirectory(dir=HERE) as scratch:
            folders = [Path(scratch, name) for name in ("build", "cache", "deps")]
            for folder in folders:
                folder.mkdir()
            words: list[str | Path] = [script, *folders, "0"]
            seconds = harness.run(words, env={"PATH": os.environ["PATH"], "CF_STACK": STACK}).seconds
            if (folders[0] / NAME).read_bytes() != PROGRAM:
                raise RuntimeError(f"{script.name} did not install the program")
            return seconds

    return install


if __name__ == "__main__":
    main()
