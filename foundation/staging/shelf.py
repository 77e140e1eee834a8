"""Keeps uploaded buildpacks unzipped on the host, a folder for each key, to be mounted for staging."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from foundation.archives import zips
from foundation.failures import ArchiveError
from foundation.model.staging import BuildpackRef

MOST_UNUSED = 16


def folder_name(key: str) -> str:
    """Return XXH64 of the key, seed 0, as 16 hex digits: where the builder looks for the buildpack."""
    import xxhash

    return xxhash.xxh64_hexdigest(key.encode())


class Shelf:
    """The folder of unzipped buildpacks; a key's content never changes, since each upload has a new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._used: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.new-*"):  # of a killed server
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def lent(self, buildpacks: Sequence[BuildpackRef]) -> Iterator[Mapping[str, Path]]:
        """Lend the folders of these buildpacks by name; those that the builder fetches itself are left out.

        Raises ArchiveError, with the buildpack's name, where one cannot be unzipped.
        """
        uploaded = {folder_name(each.key): each for each in buildpacks if each.archive}
        with self._lock:
            self._used.update(uploaded.keys())
        try:
            yield {name: self._unzipped(name, each) for name, each in uploaded.items()}
        finally:
            with self._lock:
                self._used.subtract(uploaded.keys())
                self._prune()

    def _unzipped(self, name: str, buildpack: BuildpackRef) -> Path:
        place = self._folder / name
        if place.is_dir() or buildpack.archive is None:
            place.touch()
            return place
        scratch = self._folder / f"{name}.new-{uuid4().hex}"
        try:
            zips.unpack(buildpack.archive, scratch)
            with self._lock:
                if not place.is_dir():  # another staging may have been faster
                    scratch.rename(place)
        except ArchiveError as error:
            raise ArchiveError(f"buildpack '{buildpack.name}': {error.message}") from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return place

    def _prune(self) -> None:
        """Remove the buildpacks that have not been used for longest."""
        unused = [
            path for path in self._folder.iterdir() if not self._used[path.name] and "." not in path.name
        ]
        unused.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in unused[MOST_UNUSED:]:
            shutil.rmtree(path, ignore_errors=True)
