"""Puts the parts together: the one place that knows the releaser, the embedded environment and the host."""

import errno
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

from invoke.exceptions import Exit

from commands import given
from embedded.environment import Addresses, Data, Embedded
from embedded.errors import EmbeddedError
from host.errors import HostError
from releaser import config, report
from releaser.errors import TrainError
from releaser.model import Access, World
from releaser.sections import Config
from releaser.tools.git import Repository
from releaser.tools.public import Public
from releaser.tools.s3 import Keys, Store

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
HOST_STATE = LOCAL / "host"
SETTINGS = ROOT / "sidecar.yml"
EMBEDDED = "embedded"
ENVIRONMENT = os.environ.get("RELEASE_ENVIRONMENT") or EMBEDDED  # a pipeline's task says so once
HOST_EXIT, EMBEDDED_EXIT, DISK_EXIT, INTERRUPTED_EXIT = 13, 14, 15, 130

Given = ParamSpec("Given")


def explained(task: Callable[Given, None]) -> Callable[Given, None]:
    """Turn what users can mend into a message and an exit code; anything else is a fault of ours."""

    @functools.wraps(task)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            task(*args, **kwargs)
        except TrainError as error:
            _end(error.message, error.remedy, error.exit_code, error)
        except HostError as error:
            _end(error.message, error.remedy, HOST_EXIT, error)
        except EmbeddedError as error:
            _end(error.message, error.remedy, EMBEDDED_EXIT, error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            remedy = "Make room and run the same command again: it goes on where it stopped."
            _end(f"the disk is full: {error.filename or LOCAL}", remedy, DISK_EXIT, error)
        except KeyboardInterrupt as error:
            remedy = "Run the same command again: it goes on where it stopped."
            _end("interrupted", remedy, INTERRUPTED_EXIT, error)

    return run


def _end(message: str, remedy: str, code: int, cause: BaseException) -> None:
    report.error(message, remedy)
    raise ended(code) from cause


def ended(code: int) -> Exit:
    """Return what ends a task with an exit code, when all has been said."""
    return Exit(code=code)


def go_program(settings: Config) -> Path:
    """Return the Go of exactly the version that sidecar.yml names."""
    from releaser.tools import go

    return go.find(settings.go.version)


def embedded() -> Embedded:
    """Return this clone's embedded environment."""
    return Embedded(ROOT)


def ensure_machine(*wanted: str) -> None:
    """Make sure of an engine and, where we may install, of these Debian packages."""
    from host import engine, packages

    engine.ensure(report.say, folder=HOST_STATE)
    if packages.can_install():
        packages.ensure_packages(wanted, report.say, folder=HOST_STATE)


def start_embedded(lifecycle: Path | None = None) -> Addresses:
    """Start or adopt the whole embedded environment, and what the machine lacks for it."""
    from commands import rootfs

    settings = config.load(SETTINGS)
    ensure_machine("git", "mmdebstrap")
    return embedded().start(
        branch=settings.git.branch,
        stacks=settings.stacks,
        go=go_program(settings),
        say=report.say,
        bring=rootfs.bring,
        lifecycle=lifecycle,
    )


@contextmanager
def releasing(environment: str, *, accepts: bool = False) -> Iterator[World]:
    """Yield the world to release to; a second release of the clone waits for its turn.

    Where apps are to be accepted and the environment has no foundation, this machine's own one is started.
    """
    from commands import accepting

    if environment != EMBEDDED:
        with embedded().alone(f"release-{environment}", report.say):
            world = _named(environment)
            yield accepting.on_this_machine(world) if accepts and not world.config.foundation.api else world
        return
    with embedded().alone("release", report.say):
        up = start_embedded()
        yield _embedded_world(up.data, up)


def looking(environment: str) -> World:
    """Return the world to look at: of the embedded one what needs no engine, where the rest is not up."""
    if environment != EMBEDDED:
        return _named(environment)
    here = embedded()
    if all(here.status().values()):
        up = start_embedded()
        return _embedded_world(up.data, up)
    return _embedded_world(here.keep_data(config.load(SETTINGS).git.branch, report.say), None)


def reading(environment: str) -> World:
    """Return the world to read from as anybody does, by URL."""
    if environment == EMBEDDED and not all(embedded().status().values()):
        raise EmbeddedError(
            "the embedded environment is not running, so nobody can read what it published",
            "Start it: ./inv foundation start",
        )
    return looking(environment)


def _embedded_world(data: Data, up: Addresses | None) -> World:
    """Return the embedded world; without `up` it can be looked at, but nothing can be pushed to it."""
    keys = Keys(access_key_id=data.s3.access_key_id, secret_access_key=data.s3.secret_access_key)
    scratch = _scratch(config.load(SETTINGS))
    store = Store(data.s3.endpoint, "us-east-1", data.s3.bucket, keys, scratch=scratch, say=report.fact)
    public = Public(base=data.public_url, resolve=up.resolve if up else {})
    access = Access(user=up.foundation.user, password=up.foundation.password) if up else None
    return _world(EMBEDDED, _embedded_config(data, up), store, public, access, up.git_url if up else None)


def _embedded_config(data: Data, up: Addresses | None) -> Config:
    foundation: Mapping[str, Any] = {"name": EMBEDDED}
    if up:
        space = {"organization": up.foundation.organization, "space": up.foundation.space}
        foundation = {"name": EMBEDDED, "api": up.foundation.api, **space}
    layer = {
        "s3": {"endpoint": data.s3.endpoint, "bucket": data.s3.bucket, "public_url": data.public_url},
        "git": {"remote": str(data.remote)},
        "foundation": foundation,
        # A key that production asks for is no reason to ask for one here; one in the environment is used.
        "signing": {"public_key": None, "command": ()},
    }
    return config.with_sections(config.load(SETTINGS), layer)


def _named(environment: str) -> World:
    """Return an environment of sidecar.yml; the secrets come from the standard places."""
    from releaser.installing import foundations

    given.take()
    settings = config.for_environment(SETTINGS, environment)
    s3, git = settings.s3, settings.git
    store = Store(
        s3.endpoint,
        s3.region,
        s3.bucket or "",
        scratch=_scratch(settings),
        protection=s3.overwrite_protection,
        say=report.fact,
    )
    public = Public(base=s3.public_url or "")
    access = foundations.access(environment)
    return _world(environment, settings, store, public, access, git.public_url or git.remote)


def _scratch(settings: Config) -> str:
    """Return where the bucket's promises are tried: in the train's own folder, where it has its rights."""
    return f"{settings.s3.prefix}/{settings.name}/.probe/"


def _world(
    environment: str,
    settings: Config,
    store: Store,
    public: Public,
    access: Access | None,
    git_url: str | None,
) -> World:
    releases = LOCAL / "releases" / environment
    return World(
        config=settings,
        store=store,
        environment=environment,
        public=public,
        repository=Repository(
            directory=releases / "git",
            remote=settings.git.remote or "",
            patience=settings.git.patience,
        ),
        work=releases,
        cache=LOCAL / "cache",
        access=access,
        git_url=git_url,
    )
