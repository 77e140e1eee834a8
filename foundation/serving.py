"""A foundation as a server process: the engine-backed parts, the API on its port, and DIR/ready.json."""

import fcntl
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from foundation import rootfs, whole
from foundation.accesses import Accesses
from foundation.app import make
from foundation.engine.engine import Engine
from foundation.engine.wanted import CERTIFICATES
from foundation.failures import FoundationError
from foundation.listening import listen
from foundation.rootfs import Rootfs
from foundation.routing import RouterProcess, Tls
from foundation.running.runner import ContainerRunner
from foundation.settings import Settings, StackSetting
from foundation.staging.stager import ContainerStager
from foundation.world import World, assemble

DRAIN_S = 5  # for requests under way at the end
ROUTER = "router"  # the router's folder below the state


class ServingError(FoundationError):
    """The server cannot begin."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    state: Path
    listen: str
    router_listen: str
    domain: str
    network: str
    labels: Mapping[str, str]
    stacks: Sequence[str]
    programs: Path
    lifecycle: Path | None
    cache: Path
    hosts: Mapping[str, str]
    certificates: Path | None = None
    tls_listen: str | None = None


def serve(options: Options, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; apps keep running and are taken over at the next start."""
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    ready = options.state / "ready.json"
    with ExitStack() as ending:
        ending.enter_context(_alone(options.state))
        ready.unlink(missing_ok=True)
        listening = ending.enter_context(listen(options.listen))
        found = [rootfs.ensure(stack, options.cache, options.labels, say) for stack in options.stacks]
        router = _router(options, ending)
        world = _world(options, f"http://{_written(listening)}", found, router, ending)
        _follow_accesses(options, world, ending)
        ending.callback(ready.unlink, missing_ok=True)
        facts = {**_facts(world, found), **_tls_facts(router)}
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # uvicorn raises them again after its own end
        _Server(lambda: whole.write(ready, json.dumps(facts).encode()), make(world)).run([listening])


class _Server(uvicorn.Server):
    """Tells that it serves as soon as it does."""

    def __init__(self, tell: Callable[[], None], app: Any) -> None:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=DRAIN_S, lifespan="off"
        )
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._tell()


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServingError(
                f"another foundation serves from {state}", "Stop it, or give this one another --state."
            ) from error
        yield


def _router(options: Options, ending: ExitStack) -> RouterProcess:
    router = RouterProcess(
        program=options.programs / "router",
        listen=options.router_listen,
        state=options.state / ROUTER,
        tls=_tls(options),
    )
    ending.callback(router.stop)
    router.start()
    return router


def _tls(options: Options) -> Tls | None:
    if options.tls_listen is None:
        return None
    from foundation import authority  # takes a while to load, and few need it

    made = authority.ensure(options.state / ROUTER, options.domain)
    return Tls(
        listen=options.tls_listen, authority=made.authority, certificate=made.certificate, key=made.key
    )


def _follow_accesses(options: Options, world: World, ending: ExitStack) -> None:
    accesses = Accesses(options.state / ROUTER, world.store, world.logs)
    accesses.start()
    ending.callback(accesses.close)


def _world(
    options: Options, api: str, found: Sequence[Rootfs], router: RouterProcess, ending: ExitStack
) -> World:
    mounts = {options.certificates.resolve(): CERTIFICATES} if options.certificates else {}
    engine = Engine(labels=options.labels, network=options.network, hosts=options.hosts, mounts=mounts)
    images = {each.stack: each.image for each in found}
    programs = programs_folder(options.state, options.programs, options.lifecycle)

    def make_runner(changed: Callable[[], None]) -> ContainerRunner:
        state = options.state / "running"
        return ContainerRunner(
            engine=engine, images=images, programs=programs, state=state, on_change=changed
        )

    stager = ContainerStager(engine=engine, images=images, programs=programs, cache=options.state / "staging")
    stacks = [StackSetting(name=each.stack, kind=each.kind, description=each.description) for each in found]
    settings = Settings(
        state=options.state,
        api=api,
        router=f"http://{router.address}",
        domain=options.domain,
        stacks=stacks,
    )
    world = assemble(settings, stager, make_runner, router)
    ending.callback(world.close)
    return world


def programs_folder(state: Path, programs: Path, lifecycle: Path | None) -> Path:
    """Return the folder that containers get: our programs, with those of `--lifecycle` over them."""
    if lifecycle is None:
        return programs
    merged = state / "lifecycle"
    merged.mkdir(exist_ok=True)
    for path in [*programs.iterdir(), *lifecycle.iterdir()]:
        if path.is_file():
            growing = merged / f".{path.name}"
            shutil.copy2(path, growing)
            growing.replace(merged / path.name)  # whole at any time: a container may run the old one
    return merged


def _facts(world: World, found: Sequence[Rootfs]) -> dict[str, Any]:
    settings = world.settings
    return {
        "api": settings.api,
        "router": settings.router,
        "domain": settings.domain,
        "user": settings.user,
        "password": world.auth.password,
        "organization": settings.organization,
        "space": settings.space,
        "pid": os.getpid(),
        "stacks": {each.stack: each.kind for each in found},
    }


def _tls_facts(router: RouterProcess) -> dict[str, Any]:
    if router.tls is None:
        return {}
    return {"router_tls": f"https://{router.tls_address}", "router_authority": str(router.tls.authority)}


def _written(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"{host}:{port}"
