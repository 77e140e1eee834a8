"""`python -m faults`: plays runs and ends with 1 where one of them broke a promise."""

import argparse
import os
import secrets
import signal
import sys
from pathlib import Path

from faults import plan, session, subject
from faults.kinds import KINDS
from faults.session import Session


def main() -> int:
    """Play what was asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are ended on the way out
    asked = _options().parse_args()
    runs = asked.runs or (1 if asked.seed is not None else 20)
    first = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    folder = subject.CHECKOUT / ".local/faults" / str(os.getpid())
    session.say(f"{runs} runs from seed {first}")
    playing = Session(folder, asked.checkout.resolve(), keep=asked.keep)
    try:
        playing.run([(seed, asked.only) for seed in range(first, first + runs)], min(asked.jobs, runs))
    finally:
        session.say(session.table(playing.verdicts))
    return 1 if any(verdict.end == "broken" for verdict in playing.verdicts) else 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="faults", description=__doc__)
    options.add_argument("--runs", type=int, default=0, help="how many; 20, or 1 where a seed is given")
    options.add_argument("--seed", type=int, help="of the first run; else any")
    options.add_argument("--only", type=_kinds, default="", metavar="KINDS", help=", ".join(KINDS))
    options.add_argument("--jobs", type=int, default=2, help="how many runs at a time")
    options.add_argument("--keep", action="store_true", help="keep the logs of good runs too")
    options.add_argument("--checkout", type=Path, default=subject.CHECKOUT, help="whose code is released")
    return options


def _kinds(only: str) -> str:
    try:
        if only:
            plan.parse(only)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return only


if __name__ == "__main__":
    raise SystemExit(main())
