"""What is installed where: this buildpack on every configured foundation, and the apps staged with it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaser import config as configs
from releaser.errors import TrainError
from releaser.installing import installed, published
from releaser.installing import slot as slots
from releaser.installing.installed import Installed
from releaser.installing.published import Place
from releaser.model import Access, World
from releaser.sections import Config
from releaser.tools import cf
from releaser.tools.public import Public
from releaser.tools.s3 import Store


@dataclass(frozen=True, kw_only=True)
class AppUse:
    """An app whose current droplet holds the buildpack; `wanted` is what is installed for its stack.

    `buildpack` is what the app asks for: by a URL or another name it does not follow what is installed.
    """

    organization: str
    space: str
    name: str
    started: bool
    stack: str | None
    buildpack: str
    follows: bool
    version: str | None
    wanted: str | None

    @property
    def stale(self) -> bool:
        """Whether it was staged with another version than is installed."""
        return self.wanted is not None and self.version != self.wanted


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """What a foundation says; `problem` is why it could not be asked."""

    environment: str
    name: str
    api: str | None
    problem: str | None = None
    installed: tuple[Installed, ...] = ()
    warnings: tuple[str, ...] = ()
    apps: tuple[AppUse, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A foundation to ask, and where the releases are published that belong on it."""

    environment: str
    config: Config
    access: Access | None
    place: Place


def access(environment: str) -> Access | None:
    """Return the user for an environment's foundation: CF_USERNAME_STAGING and so on, else CF_USERNAME."""
    suffix = f"_{environment.upper().replace('-', '_')}"
    for end in (suffix, ""):
        user, password = os.environ.get(f"CF_USERNAME{end}"), os.environ.get(f"CF_PASSWORD{end}")
        if user and password:
            return Access(user=user, password=password)
    return None


def look(world: World, here: Path) -> list[Foundation]:
    """Ask the world's foundation and every other one that sidecar.yml names; `here` is the checkout.

    Nothing here raises for a foundation that cannot be asked: its row says why.
    """
    return [_look(target) for target in _targets(world, here)]


def _targets(world: World, here: Path) -> Iterator[_Target]:
    own = published.place(world)
    yield _Target(environment=world.environment, config=world.config, access=world.access, place=own)
    seen = {world.config.foundation.api}
    base = configs.load(here / "sidecar.yml")
    for name in ("production", *sorted(base.environments)):
        layer: Mapping[str, Mapping[str, object]] = base.environments.get(name, {})
        config = configs.with_sections(base, layer)
        if name != world.environment and config.foundation.api not in (None, *seen):
            seen.add(config.foundation.api)
            yield _Target(environment=name, config=config, access=access(name), place=_place(config))


def _place(config: Config) -> Place:
    s3 = config.s3
    store = Store(s3.endpoint, s3.region, s3.bucket or "")
    public = Public(base=s3.public_url or "")
    return Place(name=config.name, store=store, public=public, prefix=f"{s3.prefix}/{config.name}")


def _look(target: _Target) -> Foundation:
    foundation = target.config.foundation
    problem = _unaskable(target)
    if problem is None:
        try:
            return _ask(target)
        except TrainError as error:
            problem = error.message
    return Foundation(
        environment=target.environment, name=foundation.name, api=foundation.api, problem=problem
    )


def _unaskable(target: _Target) -> str | None:
    if target.config.foundation.api is None:
        if target.environment == "embedded":
            return "not running: ./inv foundation start"
        return "none of its own: foundation.api is null, and a local foundation accepts"
    if target.access is None:
        end = target.environment.upper().replace("-", "_")
        return (
            f"no user is given: set CF_USERNAME_{end} and CF_PASSWORD_{end}, or CF_USERNAME and CF_PASSWORD"
        )
    return None


def _ask(target: _Target) -> Foundation:
    foundation, given = target.config.foundation, target.access
    assert given is not None  # noqa: S101  # _unaskable said so
    session = cf.login(
        str(foundation.api), given.user, given.password, skip_tls_verify=foundation.skip_tls_verify
    )
    name = slots.buildpack_name(target.config.name)
    found = installed.slots_of(cf.all_buildpacks(session), name, target.config.stacks)
    releases = installed.releases_of(target.place, found)
    return Foundation(
        environment=target.environment,
        name=foundation.name,
        api=foundation.api,
        installed=tuple(installed.rows(found, releases)),
        warnings=tuple(installed.warnings(found, releases)),
        apps=tuple(_apps(session, target.config.name, name, found)),
    )


def _apps(session: cf.Session, language: str, name: str, found: Sequence[slots.Slot]) -> Iterator[AppUse]:
    """Yield the apps whose droplet holds the buildpack, whatever it was called or wherever cloned from."""
    wanted = {slot.stack: slots.version_of(slot.current) for slot in found if slot.current}
    for app in cf.staged_apps(session):
        for used in app.buildpacks:
            if used.name == language or used.asked == name:
                yield AppUse(
                    organization=app.organization,
                    space=app.space,
                    name=app.name,
                    started=app.started,
                    stack=app.stack,
                    buildpack=used.asked,
                    follows=used.asked == name,
                    version=used.version,
                    wanted=wanted.get(app.stack or ""),
                )
