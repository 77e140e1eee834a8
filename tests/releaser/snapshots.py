"""Worlds kept as each step leaves them, so that a test of a late step does not run the early ones again."""

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from releaser import runner
from releaser.tools.s3 import Store
from tests.releaser import toy
from tests.releaser.toy import Stage

VERBS = [runner.verb(step) for step in runner.STEPS]


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """Folders and objects after each verb; one world at a time has the bucket for itself."""

    folder: Path
    store: Store
    objects: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)

    def open(self, verb: str, folder: Path) -> Stage:
        """Fill a folder and the bucket with the world that the verb leaves; it is made once."""
        if verb not in self.objects:
            self._make(verb)
        shutil.copytree(self.folder / verb, folder, symlinks=True)
        stage = toy.stage(folder, self.store)
        self._restore(stage, self.objects[verb])
        return stage

    def _restore(self, stage: Stage, wanted: dict[str, tuple[bytes, str]]) -> None:
        """Make the bucket hold just these objects; those that are there are left, since a PUT takes long."""
        there = stage.objects()
        stage.delete(*(set(there) - set(wanted)))
        for key, (content, digest) in wanted.items():
            if there.get(key) != hashlib.md5(content, usedforsecurity=False).hexdigest():
                stage.overwrite(key, content, digest)

    def _make(self, verb: str) -> None:
        folder = self.folder / verb
        if verb == VERBS[0]:
            toy.begin(folder)
            self.objects[verb] = {}
            _pack(folder)
            return
        stage = self.open(VERBS[VERBS.index(verb) - 1], folder)
        stage.world.repository.fetch()
        stage.do(verb)
        self.objects[verb] = {
            key: (self.store.read(key) or b"", stage.digest(key)) for key in stage.objects()
        }
        _pack(folder)


def _pack(folder: Path) -> None:
    """Leave few files, since every test copies them all."""
    for repository in (folder / "here/.git", folder / "remote.git", folder / "clone.git"):
        toy.git(repository, "gc", "--quiet", "--prune=now")
        shutil.rmtree(repository / "hooks", ignore_errors=True)
