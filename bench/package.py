"""Packages 700 MiB of dependencies into a cached zip, beside Cloud Foundry's buildpack-packager.

Both sides find the dependencies in the same local folder, verify their sha256, and write the zip with the
same contents. Five dependencies are as good as random, as archives and binaries packed with upx are; two are
text of the kind that logs and sources are.
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import harness, packager
from bench.harness import LOCAL, ROOT, Spent
from releaser import packaging
from releaser.packaging import Dependency

HERE = LOCAL / "package"
CACHE = HERE / "cache"
FOLDER = HERE / "buildpack"
STACK = "cflinuxfs4"
VERSION = "1.0.0"
MIB = 1 << 20
SIZE = 100 * MIB
KINDS = ("random",) * 5 + ("text",) * 2
FILES = ("bin/detect", "bin/supply", "bin/finalize")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure seconds, peak memory and the zip's size."""
    parser = argparse.ArgumentParser(prog="python -m bench.package", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--go", type=Path, help="build the rival with this Go; its compressor is the rival's")
    options = parser.parse_args(arguments)
    with_go = options.go or packager.toolchain()
    program = packager.build(with_go)
    _buildpack([_dependency(number, kind) for number, kind in enumerate(KINDS)])
    mine, theirs = harness.alternate(options.rounds, *_sides(program))
    shutil.rmtree(HERE / "out")
    harness.save("package", _figures(mine, theirs), {"rival_built_with": packager.version(with_go)})


def _figures(
    ours: Sequence[tuple[Spent, float]], rival: Sequence[tuple[Spent, float]]
) -> Sequence[harness.Figure]:
    takers: Mapping[tuple[str, str], Callable[[tuple[Spent, float]], float]] = {
        ("seconds", "s"): lambda taken: taken[0].seconds,
        ("peak-memory", "MB"): lambda taken: taken[0].peak_mb,
        ("zip-size", "MB"): lambda taken: taken[1],
    }
    return [
        harness.figure("package", name, ours=[*map(take, ours)], rival=[*map(take, rival)], unit=unit)
        for (name, unit), take in takers.items()
    ]


def _sides(program: Path) -> Sequence[Callable[[], tuple[Spent, float]]]:
    name = packaging.zip_name({"language": "bench"}, VERSION, stack=STACK, cached=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ours: list[str | Path] = [sys.executable, "-m", "bench.ours", FOLDER, VERSION, STACK, HERE / "out", CACHE]
    theirs = packager.command(program, VERSION, stack=STACK, cache=CACHE)

    def mine() -> tuple[Spent, float]:
        return _taken(harness.run(ours, cwd=HERE, env=environment), HERE / "out" / name)

    def rival() -> tuple[Spent, float]:
        return _taken(harness.run(theirs, cwd=FOLDER), FOLDER / name)

    return mine, rival


def _taken(spent: Spent, made: Path) -> tuple[Spent, float]:
    """Return what was spent and the zip's size; the zip goes, lest the rival copies it the next time."""
    size = made.stat().st_size / 1e6
    made.unlink()
    return spent, size


def _buildpack(rows: Sequence[Mapping[str, Any]]) -> None:
    for name in FILES:
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        path.chmod(0o755)
    (FOLDER / "VERSION").write_text(VERSION, encoding="utf-8")
    manifest = {
        "language": "bench",
        "default_versions": [],
        "dependencies": list(rows),
        "include_files": [*FILES, "VERSION", "manifest.yml"],
    }
    (FOLDER / "manifest.yml").write_bytes(packaging.dump(manifest))


def _dependency(number: int, kind: str) -> Mapping[str, Any]:
    """Return the manifest's row of a dependency whose file is in the cache."""
    uri = f"https://releases.example.com/{kind}-{number}.bin"
    named = {"name": f"{kind}-{number}", "version": VERSION, "uri": uri}
    path = CACHE / Dependency(**named, sha256="").place
    if not path.is_file():
        _make(path, _random(number) if kind == "random" else _text(number))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {**named, "sha256": digest, "cf_stacks": [STACK]}


def _make(path: Path, chunks: Iterator[bytes]) -> None:
    scratch = path.with_name(path.name + ".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch.open("wb") as file:
        while file.tell() < SIZE:
            file.write(next(chunks)[: SIZE - file.tell()])
    scratch.replace(path)


def _random(seed: int) -> Iterator[bytes]:
    source = random.Random(seed)  # noqa: S311 - the same on every machine
    while True:
        yield source.randbytes(MIB)


def _text(seed: int) -> Iterator[bytes]:
    """Yield lines of words that are as unevenly frequent as in a language, with numbers between them."""
    source = random.Random(seed)  # noqa: S311
    words = ["".join(source.choices("etaoinshrdlucmfwypvbgk", k=source.randint(2, 11))) for _ in range(20000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    while True:
        drawn = source.choices(words, weights, k=12000)
        lines = (f"{source.random():.6f} {' '.join(drawn[at : at + 12])}\n" for at in range(0, 12000, 12))
        yield "".join(lines).encode()


if __name__ == "__main__":
    main()
