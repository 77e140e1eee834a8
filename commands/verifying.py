"""What `./inv verify` does: puts keys, worlds and containers together for the three ways to verify."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from commands import wiring
from releaser import report
from releaser.errors import ConfigError
from releaser.model import World
from releaser.tools.ed25519 import Public as Key
from releaser.verify import alone, rebuild, release, rows
from releaser.verify.rebuild import Errand, Outcome
from releaser.verify.rows import Row
from releaser.version import SEMVER


def version(wanted: str, env: str, key: str, *, as_json: bool) -> None:
    """Verify a published version against git and bucket; raises VerifyError where anything is wrong."""
    _report(wanted, env, lambda world: release.check(world, wanted, _key(world, key)), as_json=as_json)


def rebuilt(wanted: str, env: str, *, as_json: bool) -> None:
    """Build a published version again in a container without network, and compare."""

    def look(world: World) -> list[Row]:
        with nullcontext() if as_json else report.waiting("Building it again in a container without network"):
            return rebuild.check(world, wanted, in_container)

    _report(wanted, env, look, as_json=as_json)


def file(zip_file: str, statement: str, key: str, *, as_json: bool) -> None:
    """Verify a zip by its statement alone; without a key that is no success."""
    path = Path(zip_file)
    known = alone.read_key(Path(key)) if key else None
    beside = Path(statement) if statement else alone.statement_of(path)
    found = alone.check(path, beside, known)
    rows.show(f"Verifying {path.name} by {beside.name}", found, as_json=as_json)
    rows.require(path.name, found, alone.REMEDY)
    alone.require_signer(path, found, known)


def _report(wanted: str, env: str, look: Callable[[World], list[Row]], *, as_json: bool) -> None:
    if not SEMVER.fullmatch(wanted):
        given = f"'{wanted}' is no version" if wanted else "there is nothing to verify"
        raise ConfigError(given, "Name a version or a file: ./inv verify 1.2.3, or ./inv verify --zip FILE")
    world = wiring.reading(env)
    found = look(world)
    name = f"{world.config.name} {wanted}"
    rows.show(f"Verifying {name} in {env}", found, as_json=as_json)
    rows.require(name, found, release.REMEDY)


def _key(world: World, given: str) -> Key | None:
    """Return the key that must have signed: the given one, else this checkout's signing.public_key."""
    path = world.config.signing.public_key
    if given:
        return alone.read_key(Path(given))
    return alone.read_key(wiring.ROOT / path) if path else None


def in_container(errand: Errand) -> Outcome:
    """Do an errand in a fresh container without network."""
    from embedded import network
    from host import sealed

    wanted = sealed.Wanted(
        argv=errand.argv,
        mounts={**sealed.python(), **errand.mounts},
        environment=errand.environment,
        labels=network.labels(wiring.embedded().clone),
    )
    done = sealed.run(wanted)
    return Outcome(code=done.code, out=done.out, err=done.err)
