"""One attempt's stage: the release that is struck, the world around it, and the rivals that run beside it."""

import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults import subject
from faults.attempt import COMMAND, Attempt, Outcome
from faults.watch import Watch
from faults.world import World

HOOK = "#!/bin/sh\n{}\n"


@dataclass
class Stage:
    """What strikes work on; `folder` keeps what is printed, `moved` the commits that somebody pushed."""

    world: World
    folder: Path
    number: int
    watch: Watch = field(default_factory=Watch)
    struck: Counter[str] = field(default_factory=Counter)
    moved: list[tuple[str, str]] = field(default_factory=list)  # path, commit
    others: list[Outcome] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    ending: list[Path] = field(default_factory=list)  # files that go when the attempt has ended
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.release = self._attempt(self.world.clone, f"attempt-{self.number}")

    def _attempt(self, clone: Path, name: str) -> Attempt:
        made = Attempt(clone, dict(self.world.environment()), self.folder / f"{name}.log")
        self.attempts.append(made)
        return made

    def play(self) -> Outcome:
        """Run the release to its end, and everybody who was started beside it."""
        self.world.watch(self.watch)
        self.release.start()
        outcome = self.release.end()
        for thread in self.threads:
            thread.join()
        for file in self.ending:
            file.unlink(missing_ok=True)
        self.world.watch(Watch())
        return outcome

    def later(self, act: "threading.Thread") -> None:
        """Start a thread that has to end before the attempt counts as ended."""
        self.threads.append(act)
        act.start()

    def hook(self, name: str, script: str, *, stays: bool) -> None:
        """Give the remote a hook, for this attempt or for good."""
        path = self.world.remote / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(HOOK.format(script), encoding="utf-8")
        path.chmod(0o755)
        if not stays:
            self.ending.append(path)

    def tell_suite(self, mode: str) -> None:
        """Let the acceptance suite do what faults/acceptance says of a mode."""
        path = self.world.home / "suite"
        path.write_text(mode, encoding="utf-8")
        self.ending.append(path)

    def move_main(self, path: str) -> None:
        """Let somebody push a change of a file to main."""
        number = 100 * (self.number + 1) + len(self.moved)
        commit = subject.push(self.world.remote, self.world.folder / "scratch", path, number)
        self.moved.append((path, commit))

    def rivals(self, count: int, *, held: bool, command: Sequence[str]) -> None:
        """Release from other clones: at the same time, or while the first release is held at a request."""
        clones = [self.world.folder / f"rival-{self.number}-{number}" for number in range(count)]
        running = []
        for number, clone in enumerate(clones):
            shutil.copytree(self.world.rival, clone, symlinks=True)
            rival = self._attempt(clone, f"attempt-{self.number}-rival-{number}")
            rival.command = command
            thread = threading.Thread(target=self._race, args=(rival,), daemon=True)
            running.append(thread)
            self.later(thread)
        for thread in running if held else ():
            thread.join()

    def _race(self, rival: Attempt) -> None:
        rival.start()
        self.others.append(rival.end())
        shutil.rmtree(rival.clone, ignore_errors=True)

    def forget_local_files(self) -> None:
        """Delete what a release keeps outside bucket and remote."""
        shutil.rmtree(self.world.clone / ".local/releases", ignore_errors=True)

    def change_machine(self) -> None:
        """Let the next attempt run in a clone that has seen nothing of this one."""
        shutil.rmtree(self.world.clone)
        shutil.copytree(self.world.rival, self.world.clone, symlinks=True)

    def set(self, variables: Mapping[str, str]) -> None:
        """Change the release's environment before it starts."""
        self.release.environment = {**self.release.environment, **variables}

    def wrap(self, *before: str) -> None:
        """Run the release by another program."""
        self.release.command = [*before, *COMMAND]
