"""The files of the foundation: buildpacks, packages, droplets and build caches, below one folder."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from foundation.store import Db


@dataclass(frozen=True, kw_only=True)
class Blobs:
    """Where each file lies; a file is complete as soon as it has its name."""

    root: Path

    def prepare(self) -> None:
        """Make the folders and drop uploads that a kill interrupted."""
        for name in ("buildpacks", "packages", "droplets", "caches", "uploads"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        remove((self.root / "uploads").iterdir())

    def upload(self, guid: str) -> Path:
        """Return where an upload grows; it is renamed when it is complete."""
        return self.root / "uploads" / guid

    def buildpack(self, key: str) -> Path:
        """Return the zip of a buildpack key."""
        return self.root / "buildpacks" / key

    def package(self, guid: str) -> Path:
        """Return the zip of a package."""
        return self.root / "packages" / guid

    def droplet(self, guid: str) -> Path:
        """Return the gzipped tar of a droplet."""
        return self.root / "droplets" / guid

    def cache(self, app_guid: str, stack: str) -> Path:
        """Return the build cache of an app on a stack."""
        return self.root / "caches" / f"{app_guid}-{stack}"

    def caches(self, app_guid: str) -> list[Path]:
        """Return the build caches of an app, one a stack."""
        return list((self.root / "caches").glob(f"{app_guid}-*"))

    def sweep(self, folder: str, known: Iterable[Path]) -> None:
        """Remove all of a folder but the known files.

        Only at a start, as a build under way may still read a buildpack that was replaced.
        """
        remove(set((self.root / folder).iterdir()) - set(known))

    def of_app(self, app_guid: str, packages: Iterable[str], droplets: Iterable[str]) -> list[Path]:
        """Return every file of an app."""
        return [*map(self.package, packages), *map(self.droplet, droplets), *self.caches(app_guid)]


def keep(db: Db, growing: Path, place: Path) -> None:
    """Give an upload its name within the transaction that writes it down; one that is undone leaves none."""
    if not place.exists():
        db.after_rollback(lambda: remove([place]))
    growing.rename(place)


def remove(paths: Iterable[Path]) -> None:
    """Remove files that may be gone already."""
    for path in paths:
        path.unlink(missing_ok=True)
