"""SQLite's failures that pass when somebody makes room or lets go, in our own words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foundation.failures import StoreUnavailableError

LOCKED = ("another program has locked it", "End the program that holds {path}.")
FULL = ("the disk is full", "Make room for {path}.")
PASSING = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: ("the disk is full or broken", "Make room for {path}, or mend its disk."),
    sqlite3.SQLITE_READONLY: ("it may only be read", "Make {path} writable."),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "Make {path} readable and writable."),
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise those failures as StoreUnavailableError, and all others as they are."""
    try:
        yield
    except sqlite3.OperationalError as error:
        found = PASSING.get(error.sqlite_errorcode & 0xFF)  # the other bits say which kind of it
        if found is None:
            raise
        message = f"the foundation's database cannot be used: {found[0]} ({error})"
        raise StoreUnavailableError(message, found[1].format(path=path)) from error
