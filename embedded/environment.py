"""The whole embedded environment of one clone: starts or adopts its parts in order, and stops them."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded import foundation, network, repository, store
from embedded.daemons import Keeper
from embedded.foundation import Foundation, Plan
from embedded.store import HOST, PUBLIC_URL, S3

Say = Callable[[str], None]
STOP_ORDER = ("foundation", "front", "git", "s3")  # nobody loses what it still needs


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where releases are kept: the bucket and the repository, which need no engine."""

    s3: S3
    remote: Path
    public_url: str = PUBLIC_URL


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where everything is: `resolve` maps the fixed names to addresses that this host can reach."""

    data: Data
    git_url: str
    foundation: Foundation
    resolve: Mapping[str, str]


@dataclass(frozen=True)
class Embedded:
    """The embedded environment of the checkout at `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where its state lies."""
        return self.root / ".local" / "embedded"

    @property
    def cache(self) -> Path:
        """Where what can be made again lies."""
        return self.root / ".local" / "cache"

    @property
    def clone(self) -> str:
        """What tells this clone's daemons, containers and network from those of other clones."""
        return hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]

    @property
    def keeper(self) -> Keeper:
        """What keeps its daemons."""
        return Keeper(folder=self.folder / "daemons", clone=self.clone)

    def keep_data(self, branch: str, say: Say) -> Data:
        """Start or adopt the bucket and the repository; `branch` is the remote's main branch."""
        with self.alone("data", say):
            s3 = store.start(self.keeper, self.folder / "s3")
            return Data(s3=s3, remote=repository.ensure(self.folder / "git", branch))

    def start(
        self,
        *,
        branch: str,
        stacks: Sequence[str],
        go: Path,
        say: Say,
        bring: Callable[[], None],
        lifecycle: Path | None = None,
    ) -> Addresses:
        """Start or adopt every part; what an earlier, killed run left behind is ended first.

        `go` is the program that builds the foundation's parts, `say` gets a line for whatever takes long.
        `bring` is called before root file systems are asked for, where the foundation does not run yet.
        Raises EmbeddedError.
        """
        with self._starting(say):
            data = self.keep_data(branch, say)
            plan = self._plan(stacks, go, say, lifecycle=lifecycle)
            gateway = plan.network.gateway
            store.start_front(self.keeper, plan.programs, gateway, data.s3)
            git_url = repository.serve(self.keeper, self.folder / "git", gateway)
            up = self._start(plan, say, bring)
        return Addresses(data=data, git_url=git_url, foundation=up, resolve=plan.hosts)

    def start_foundation(
        self,
        *,
        stacks: Sequence[str],
        go: Path,
        say: Say,
        bring: Callable[[], None],
        certificates: Path | None,
    ) -> Foundation:
        """Start or adopt the foundation alone, for a bucket and a remote that somebody else runs.

        `bring` is as in `start`; `certificates` are the authorities that its containers trust, where not
        those of the stack.
        """
        with self._starting(say):
            return self._start(self._plan(stacks, go, say, certificates=certificates), say, bring)

    @contextmanager
    def _starting(self, say: Say) -> Iterator[None]:
        """Let nobody else start, and end what an earlier, killed run left behind."""
        with self.alone("start", say):
            for stray in self.keeper.stop_strays():
                say(f"Ended a leftover of this clone: {stray}")
            yield

    def _plan(
        self,
        stacks: Sequence[str],
        go: Path,
        say: Say,
        *,
        lifecycle: Path | None = None,
        certificates: Path | None = None,
    ) -> Plan:
        programs = foundation.programs(go, self.root / ".local" / "programs", self.cache, say)
        net = network.ensure(self.clone)
        return Plan(
            folder=self.folder / "foundation",
            programs=programs,
            cache=self.cache,
            network=net,
            stacks=stacks,
            hosts={HOST: net.gateway},
            lifecycle=lifecycle,
            certificates=certificates,
        )

    def _start(self, plan: Plan, say: Say, bring: Callable[[], None]) -> Foundation:
        if not self.keeper.running("foundation"):
            bring()
            foundation.prepare(plan.stacks, self.cache, self.clone, say)
        return foundation.start(self.keeper, plan)

    def stop(self) -> list[str]:
        """Stop every daemon, and return the names of those that ran; containers and state stay."""
        stopped = [name for name in STOP_ORDER if self.keeper.stop(name)]
        return [*stopped, *self.keeper.stop_strays()]

    def status(self) -> Mapping[str, bool]:
        """Return which daemons run."""
        return {name: self.keeper.running(name) for name in STOP_ORDER}

    def image(self, stack: str, say: Say = lambda _: None) -> str:
        """Return the name of a stack's image, which is in the engine then."""
        return foundation.image(stack, self.cache, self.clone, say)

    def ports(self) -> Sequence[int]:
        """Return the ports that it listens on wherever it can, before it runs."""
        return list(foundation.PREFERRED.values())

    @contextmanager
    def alone(self, what: str, say: Say) -> Iterator[None]:
        """Hold the clone's lock for something that two commands must not do at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{what}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"Another command of this clone is at it ({what}); waiting for it to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
