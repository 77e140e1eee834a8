"""Files for this process alone: nobody else may read them, and they go with it."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path


def file(name: str, content: str) -> Path:
    """Write a file that only we may read, and return its path; a name that was used is written over."""
    path = _folder() / name
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")
    return path


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="release-train-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
