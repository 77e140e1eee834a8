"""What `./inv doctor`, `foundation` and `clean` do: care for this machine and the embedded environment."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from commands import wiring
from embedded import network
from host import cleaning
from host import doctor as examination
from host.doctor import Row
from releaser import config, report
from releaser.errors import ConfigError, TrainError

IMAGES = "sidecar-train-rootfs:*-{}"  # the foundation tags a stack's image for each clone
SIGNS = {"ok": "ok", "warning": "warning", "missing": "MISSING"}


def doctor(*, as_json: bool) -> None:
    """Print a line for all that was looked for, and end with the commands that mend what is missing."""
    settings = config.load(wiring.SETTINGS)
    try:
        go: Path | None = wiring.go_program(settings)
    except TrainError:
        go = None
    ports = [] if any(wiring.embedded().status().values()) else wiring.embedded().ports()
    rows = examination.check(checkout=wiring.ROOT, go_version=settings.go.version, go=go, ports=ports)
    if as_json:
        report.document([asdict(row) for row in rows])
        _require_all(rows)
        return
    report.title("What this machine has")
    report.facts({row.name: f"{SIGNS[row.state]:<8} {row.found}" for row in rows})
    _say_remedies(rows)


def _say_remedies(rows: Sequence[Row]) -> None:
    lacking = [row for row in rows if row.state != "ok"]
    if not lacking:
        report.say("Nothing is missing: ./inv release")
        return
    report.title("What to do")
    report.facts({row.name: row.remedy for row in lacking})
    _require_all(rows)


def _require_all(rows: Sequence[Row]) -> None:
    if any(row.state == "missing" for row in rows):
        raise wiring.ended(wiring.HOST_EXIT)


def foundation(action: str, lifecycle: Path | None, *, as_json: bool) -> None:
    """Start, stop or show the embedded environment."""
    if action == "start":
        _show_foundation(lifecycle, as_json=as_json)
    elif action == "stop":
        stopped = wiring.embedded().stop()
        report.say(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")
    elif action == "status":
        rows = wiring.embedded().status()
        said = {name: "running" if runs else "stopped" for name, runs in rows.items()}
        report.document(said) if as_json else report.facts(said)
    else:
        raise ConfigError(
            f"'{action}' is nothing that the foundation does", "It knows: start, stop, status, rootfs."
        )


def _show_foundation(lifecycle: Path | None, *, as_json: bool) -> None:
    with report.aside(as_json):
        up = wiring.start_embedded(lifecycle)
    said = {
        "api": up.foundation.api,
        "apps": f"http://NAME.{up.foundation.domain}:{up.foundation.router.rpartition(':')[2]}",
        "user": f"{up.foundation.user}, its password is in .local/embedded/foundation/password",
        "target": f"organization {up.foundation.organization}, space {up.foundation.space}",
        "stacks": ", ".join(f"{stack} ({kind})" for stack, kind in up.foundation.stacks.items()),
        "objects": up.data.public_url,
        "git": up.git_url,
    }
    if as_json:
        report.document(said)
        return
    report.title("The local foundation is up")
    report.facts(said)


def clean(*, keep_cache: bool) -> None:
    """Stop the daemons, empty the engine of what is this clone's, and delete `.local/`."""
    here = wiring.embedded()
    report.title("Cleaning")
    with here.alone("release", report.say):
        for name in here.stop():
            report.fact(f"stopped {name}")
        label = ",".join(f"{name}={value}" for name, value in network.labels(here.clone).items())
        cleaned = cleaning.clean(label, [IMAGES.format(here.clone)], folder=wiring.HOST_STATE)
        for line in cleaned.removed:
            report.fact(f"removed {line}")
    kept = {wiring.LOCAL / "cache", wiring.LOCAL / "env", wiring.LOCAL / "uv"} if keep_cache else set()
    _delete(kept)
    report.title("Left as it is")
    for line in [*cleaned.left, *(str(path.relative_to(wiring.ROOT)) for path in sorted(kept))] or [
        "nothing"
    ]:
        report.fact(line)


def _delete(kept: set[Path]) -> None:
    """Delete `.local/`, or all of it but what is kept."""
    if not kept:
        shutil.rmtree(wiring.LOCAL)
        report.fact("removed .local/")
        return
    for path in sorted(wiring.LOCAL.iterdir()):
        if path not in kept:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    report.fact("removed .local/ but for its caches")
