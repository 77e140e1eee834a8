"""Starts this machine's own foundation for an environment that has none, so that apps can be accepted."""

import os
from dataclasses import replace
from pathlib import Path

from commands import rootfs, wiring
from releaser import config, report
from releaser.model import Access, World


def on_this_machine(world: World) -> World:
    """Return the world with the local foundation, started alone: bucket and remote are not its affair."""
    wiring.ensure_machine("git", "mmdebstrap")
    up = wiring.embedded().start_foundation(
        stacks=world.config.stacks,
        go=wiring.go_program(world.config),
        say=report.say,
        bring=rootfs.bring,
        certificates=_authorities(),
    )
    place = {"api": up.api, "organization": up.organization, "space": up.space}
    settings = config.with_sections(world.config, {"foundation": place})
    return replace(world, config=settings, access=Access(user=up.user, password=up.password))


def _authorities() -> Path | None:
    """Return those that a task was given beside the public ones, in a file that outlives it, or None."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if not os.environ.get("CA_CERTIFICATES") or not bundle:
        return None
    kept = wiring.LOCAL / "embedded" / "authorities.pem"
    kept.write_bytes(Path(bundle).read_bytes())
    return kept
