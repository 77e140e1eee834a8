"""Installs a published version on a foundation, for each stack, and goes back to an older one."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from releaser import report
from releaser.errors import ConfigError, FoundationError
from releaser.installing import published, swapping
from releaser.installing import slot as slots
from releaser.installing.published import Place, Published
from releaser.installing.swapping import Wanted
from releaser.model import Candidate, World
from releaser.tools import cf
from releaser.tools.cf import Buildpack
from releaser.version import key

Allow = Callable[[Buildpack | None], None]


def sign_in(world: World) -> cf.Session:
    """Sign in to the world's foundation; raises ConfigError where no user is given."""
    foundation, access = world.config.foundation, world.access
    if foundation.api is None:
        raise ConfigError(
            f"environment '{world.environment}' has no foundation of its own to install on",
            "Set foundation.api in sidecar.yml, or name another environment: --env NAME",
        )
    if access is None:
        raise ConfigError(
            f"no user for the foundation {foundation.name} is given",
            "Set CF_USERNAME and CF_PASSWORD to those of an admin.",
        )
    skip = foundation.skip_tls_verify
    return cf.login(foundation.api, access.user, access.password, skip_tls_verify=skip)


def install(
    world: World,
    here: Path,
    *,
    version: str | None = None,
    variant: str | None = None,
    stack: str | None = None,
    adopt: bool = False,
) -> None:
    """Put a published version, else the newest, in the place of what is installed; `here` is the checkout."""
    where = published.place(world)
    release = published.get(where, version) if version else published.newest(where)
    _require_not_yanked(world, release, "Nothing was installed. Install another one: --version X.Y.Z")
    _require_signed(world, here, where, release)
    session = sign_in(world)
    report.title(f"Installing {where.name} {release.version} on {world.config.foundation.name}")
    for one in _chosen(release, variant, _stacks(session, release, stack)):
        allow = partial(_require_no_way_back, world, release.version)
        _put(session, world, _wanted(world, where, release, one, allow, adopt=adopt))


def rollback(world: World, here: Path, *, to: str, stack: str | None = None, yanked: bool = False) -> None:
    """Go back to an older version: to what is kept of it, else to what the bucket has."""
    if not to:
        raise ConfigError("no version to go back to is given", "Give one: ./inv rollback --to X.Y.Z")
    where = published.place(world)
    release = published.get(where, to)
    if not yanked:
        _require_not_yanked(world, release, "Nothing was changed. Go back to it all the same with --yanked.")
    _require_signed(world, here, where, release)
    session = sign_in(world)
    name = slots.buildpack_name(where.name)
    report.title(f"Going back to {where.name} {to} on {world.config.foundation.name}")
    for on in _stacks(session, release, stack):
        one = _there(slots.look(session, name, on), release) or _chosen(release, None, [on])[0]
        allow = partial(_require_way_back, release.version)
        _put(session, world, _wanted(world, where, release, one, allow, adopt=False))


def _put(session: cf.Session, world: World, wanted: Wanted) -> None:
    name = slots.buildpack_name(world.config.name)
    report.fact(f"{wanted.zip.stack}: {wanted.zip.name}, sha256 {wanted.zip.digest}")
    if not swapping.put(session, name, wanted, report.fact):
        report.fact(f"{name} ({wanted.zip.stack}) is {wanted.version} already")


def _wanted(
    world: World, where: Place, release: Published, one: Candidate, allow: Allow, *, adopt: bool
) -> Wanted:
    return Wanted(
        version=release.version,
        zip=one,
        source=release.source,
        record=release.record,
        fetch=partial(_fetch, world, where, release, one),
        allow=allow,
        adopt=adopt,
    )


def _fetch(world: World, where: Place, release: Published, one: Candidate) -> Path:
    path = published.fetch(where, release, one, world.work / "installing")
    found = cf.stack_of(path)
    if found != one.stack:
        raise FoundationError(f"{one.name} is for the stack {found}, but its record says {one.stack}")
    return path


def _stacks(session: cf.Session, release: Published, stack: str | None) -> Sequence[str]:
    """Return the stacks to install on: the one asked for, else all that release and foundation have."""
    made = sorted({one.stack for one in release.zips})
    if stack and stack not in made:
        raise ConfigError(
            f"{release.version} has no zip for the stack {stack}", f"It has: {', '.join(made)}."
        )
    there = cf.stacks(session)
    found = [one for one in made if one in there and stack in (one, None)]
    if not found:
        raise FoundationError(
            f"{session.api} lacks the stack {stack or ' and '.join(made)}, which {release.version} is for",
            f"It has: {', '.join(sorted(there)) or 'none'}.",
        )
    for one in set(made) - set(found) if stack is None else ():
        report.fact(f"{one} is left out: the foundation does not have that stack")
    return found


def _chosen(release: Published, variant: str | None, stacks: Sequence[str]) -> list[Candidate]:
    """Return a zip for each stack: of the variant that is asked for, else a cached one where there is one."""
    chosen = []
    for stack in stacks:
        zips = {one.variant: one for one in release.zips if one.stack == stack}
        found = [zips[one] for one in ("cached", "uncached") if one in zips and variant in (one, None)]
        if not found:
            raise ConfigError(
                f"{release.version} has no {variant} zip for {stack}", f"It has: {', '.join(sorted(zips))}."
            )
        chosen.append(found[0])
    return chosen


def _there(slot: slots.Slot, release: Published) -> Candidate | None:
    """Return the zip of the release that the foundation has already, in use, coming or kept."""
    records = [one for one in (slot.current, *slot.incoming, *slot.kept) if one is not None]
    for record in records:
        for one in release.zips:
            if one.stack == slot.stack and slots.holds(record, release.version, one):
                return one
    return None


def _require_not_yanked(world: World, release: Published, remedy: str) -> None:
    yank = release.yank
    if yank:
        raise ConfigError(
            f"{world.config.name} {release.version} is yanked since {yank.date}: {yank.reason}", remedy
        )


def _require_signed(world: World, here: Path, where: Place, release: Published) -> None:
    path = world.config.signing.public_key
    if not path:
        return
    try:
        pem = (here / path).read_bytes()
    except OSError as error:
        raise ConfigError(f"signing.public_key names {path}: {error.strerror}", "Commit the key.") from error
    report.fact(f"signed by {published.require_signed(where, release, pem, path)}")


def _require_no_way_back(world: World, version: str, current: Buildpack | None) -> None:
    there = slots.version_of(current) if current else None
    if there and key(there) > key(version):
        raise FoundationError(
            f"{there} is installed on {world.config.foundation.name}, which is newer than {version}",
            f"To go back: ./inv rollback --env {world.environment} --to {version}",
        )


def _require_way_back(version: str, current: Buildpack | None) -> None:
    there = slots.version_of(current) if current else None
    if there and key(there) < key(version):
        raise FoundationError(
            f"{there} is installed, which is older than {version}: that is no way back",
            f"Use ./inv install --version {version}",
        )
