"""Our side of packaging, as a program: makes one cached zip with the dependencies of a folder."""

import sys
from pathlib import Path

from releaser import packaging

EPOCH = 1767225600


def main() -> None:
    """Package FOLDER as VERSION for STACK into OUT, with the dependencies that CACHE holds."""
    folder, version, stack, out, cache = sys.argv[1:]
    packaging.package(
        Path(folder),
        version,
        stack=stack,
        cached=True,
        epoch=EPOCH,
        into=Path(out),
        fetch=lambda dependency: Path(cache) / dependency.place,
    )


if __name__ == "__main__":
    main()
