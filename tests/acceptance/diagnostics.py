"""What is kept of an app: its log, and of one that failed all that tells why, without secrets."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from releaser import report
from releaser.errors import FoundationError
from releaser.tools import cf
from tests.acceptance.run import Run

FOLDER = "diagnostics"
HIDDEN = "((hidden))"
SHORTEST = 4  # a shorter value would hide half of every word
SECRET = re.compile(r"pass|secret|token|credential|private|(?:\b|_|api)key", re.IGNORECASE)
NEWEST = {"order_by": "-created_at"}


def keep_log(run: Run, app_guid: str, title: str) -> None:
    """Write the log of an app that is about to go."""
    try:
        text = "".join(f"{line}\n" for line in cf.recent_logs(run.session, app_guid))
    except FoundationError as error:
        text = f"{error.message}\n"
    path = run.folder / "logs" / f"{title.replace('/', '-')}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.mask(text), encoding="utf-8")


def collect(run: Run, app_guid: str, title: str, entry: Mapping[str, Any]) -> None:
    """Write what the foundation knows of an app; a part that it does not have says so in its place."""
    folder = run.folder / FOLDER / title.replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    secrets: set[str] = set()
    first = {
        "environment.json": concealed(_asked(lambda: _get(run, f"/v3/apps/{app_guid}/env")), secrets),
        "manifest.yml": concealed({"applications": [dict(entry)]}, secrets),
    }
    others = {name: _asked(look) for name, look in _parts(run, app_guid).items()}
    for name, value in {**first, **others}.items():
        text = _written(name, cleaned(value, secrets))
        (folder / name).write_text(text, encoding="utf-8")


def _parts(run: Run, guid: str) -> Mapping[str, Callable[[], Any]]:
    app = f"/v3/apps/{guid}"
    return {
        "staging.log": lambda: _log(run, guid, staging=True),
        "app.log": lambda: _log(run, guid, staging=False),
        "app.json": lambda: _get(run, app),
        "processes.json": lambda: _get(run, f"{app}/processes"),
        "sidecars.json": lambda: _get(run, f"{app}/sidecars"),
        "stats.json": lambda: {
            row["type"]: _get(run, f"/v3/processes/{row['guid']}/stats")
            for row in _get(run, f"{app}/processes")["resources"]
        },
        "routes.json": lambda: _get(run, f"{app}/routes"),
        "builds.json": lambda: _get(run, f"{app}/builds", **NEWEST),
        "droplets.json": lambda: _get(run, f"{app}/droplets", **NEWEST),
        "events.json": lambda: _get(run, "/v3/audit_events", target_guids=guid, **NEWEST),
    }


def _get(run: Run, path: str, **query: str) -> Any:
    return cf.request(run.session, "get", path, what=f"read {path}", params=query).json()


def _log(run: Run, guid: str, *, staging: bool) -> str:
    lines = cf.recent_logs(run.session, guid)
    return "".join(f"{line}\n" for line in lines if line.source.startswith("STG") is staging)


def _asked(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except FoundationError as error:
        return f"not available: {error.message}\n"


def concealed(value: Any, secrets: set[str], *, secret: bool = False) -> Any:
    """Return a structure without what stands under names of secrets; add that to `secrets`."""
    if isinstance(value, Mapping):
        return {
            key: concealed(one, secrets, secret=secret or SECRET.search(str(key)) is not None)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [concealed(one, secrets, secret=secret) for one in value]
    if not secret or value in (None, ""):
        return value
    # Logs have a value of several lines line by line.
    secrets.update(line for line in str(value).splitlines() if len(line) >= SHORTEST)
    return HIDDEN


def cleaned(value: Any, secrets: set[str]) -> Any:
    """Return a structure whose texts hold no secret; before they are quoted, for that would hide some."""
    if isinstance(value, Mapping):
        return {str(key): cleaned(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one, secrets) for one in value]
    if not isinstance(value, str):
        return value
    for one in sorted(secrets, key=len, reverse=True):
        value = value.replace(one, HIDDEN)
    return report.mask(value)


def _written(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name.endswith(".yml"):
        return yaml.safe_dump(value, sort_keys=False)
    return json.dumps(value, indent=2) + "\n"
