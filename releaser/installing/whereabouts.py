"""Shows what is installed where: rows for people, JSON for scripts."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from releaser import report
from releaser.installing.foundations import AppUse, Foundation
from releaser.installing.installed import Installed

SHOWN = 20  # apps of a foundation that a person sees; --json has them all


def document(found: Sequence[Foundation]) -> list[dict[str, Any]]:
    """Return what a script reads: each app also says whether it is stale."""
    rows = [asdict(one) for one in found]
    for row, one in zip(rows, found, strict=True):
        row["apps"] = [{**asdict(app), "stale": app.stale} for app in one.apps]
    return rows


def show(found: Sequence[Foundation]) -> None:
    """Print a title and rows for each foundation."""
    for one in found:
        report.title(f"Foundation {one.name}, {one.api or 'without an address'} ({one.environment})")
        report.facts(rows(one))


def rows(one: Foundation) -> dict[str, str]:
    """Return what is printed of a foundation, by name."""
    if one.problem:
        return {"not asked": one.problem}
    stale = [app for app in one.apps if app.stale]
    current = [each for each in one.installed if each.role == "current"]
    others = [each for each in one.installed if each.role != "current"]
    made = {
        "installed": "\n".join(map(_record, current)) or "nothing: ./inv install",
        "beside it": "\n".join(f"{_record(each)}; {each.role}" for each in others),
        "warning": "\n".join(one.warnings),
        "apps": f"{len(one.apps)} use it, {len(stale)} were staged with another version" if one.apps else "",
        "stale": "\n".join(map(_app, stale[:SHOWN])),
    }
    if len(stale) > SHOWN:
        made["stale"] += f"\n… and {len(stale) - SHOWN} more; --json has all"
    return {name: text for name, text in made.items() if text}


def _record(one: Installed) -> str:
    version = f"{one.version or 'unknown version'}{f', {one.variant}' if one.variant else ''}"
    state = ("enabled" if one.enabled else "disabled") + (", locked" if one.locked else "")
    return f"{one.name} ({one.stack or 'no stack'}): {version}, position {one.position}, {state}"


def _app(one: AppUse) -> str:
    state = "" if one.started else " (stopped)"
    what = f"{one.organization}/{one.space}/{one.name}{state} has {one.version or 'an unknown version'}"
    if one.follows:
        return f"{what}: cf restage {one.name}"
    return f"{what} of {one.buildpack}: restaging does not change it; push it with {one.wanted}"
