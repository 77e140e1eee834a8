"""Runs one program to its end and writes what it took: run as a script, in a small process of its own.

A program's peak memory, as the kernel counts it, starts at what its parent held: hence this parent, which
imports nothing of ours and stays smaller than anything that is measured.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the words after the first, and write seconds, peak memory and exit code to the file it names."""
    out, *words = sys.argv[1:]
    begun = time.monotonic()
    child = os.posix_spawnp(words[0], words, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - begun
    taken = {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1000, "code": os.waitstatus_to_exitcode(status)}
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double this process
        json.dump(taken, file)


if __name__ == "__main__":
    main()
