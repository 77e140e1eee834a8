"""Rules of sidecars: their memory is carved out of the process's; buildpack sidecars follow the droplet.

Sources of the rules: cloud_controller's sidecar_model.rb, sidecar_create.rb,
sidecar_memory_less_than_process_memory_policy.rb, sidecar_synchronize_from_app_droplet.rb.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from foundation.errors import unprocessable
from foundation.rows.apps import App, Process, Sidecar
from foundation.rows.work import Droplet
from foundation.store import Db

LONGEST_NAME, LONGEST_COMMAND = 255, 4096


def of_process(db: Db, process: Process) -> list[Sidecar]:
    """Return the sidecars that run beside a process."""
    sidecars = db.find(Sidecar, app_guid=process.app_guid)
    return [sidecar for sidecar in sidecars if process.type in sidecar.process_types]


def memory_beside(db: Db, process: Process) -> int:
    """Return the memory that a process's sidecars take from it, in MB."""
    return _total(of_process(db, process))


def create(db: Db, sidecar: Sidecar) -> Sidecar:
    """Keep a new sidecar, wherever it comes from, if it can run, its name is free and its memory fits."""
    _check_words(sidecar)
    _check_name(db, sidecar)
    if sidecar.memory_mb is not None:
        _check_memory(db, sidecar)
    return db.insert(sidecar)


def change(db: Db, sidecar: Sidecar, changes: dict[str, Any]) -> Sidecar:
    """Apply a PATCH, or a manifest's entry of the same name."""
    changed = db.change(sidecar, **changes)
    _check_name(db, changed)
    if "memory_mb" in changes or "process_types" in changes:
        _check_memory(db, changed)
    return changed


def synchronise(db: Db, app: App, droplet: Droplet) -> None:
    """Replace the app's buildpack sidecars by those of a droplet."""
    db.delete(*db.find(Sidecar, app_guid=app.guid, origin="buildpack"))
    for entry in droplet.sidecars:
        name = entry["name"]
        if db.first(Sidecar, app_guid=app.guid, name=name):
            raise unprocessable(
                f"Buildpack defined sidecar '{name}' conflicts with an existing user-defined sidecar. "
                f"Consider renaming '{name}'."
            )
        create(
            db,
            Sidecar(
                app_guid=app.guid,
                name=name,
                command=entry["command"],
                process_types=sorted(entry["process_types"]),
                memory_mb=entry.get("memory"),
                origin="buildpack",
            ),
        )


def check_process(db: Db, process: Process) -> None:
    """Refuse a process whose memory does not hold its sidecars."""
    beside = memory_beside(db, process)
    if beside and beside >= process.memory_mb:
        raise unprocessable(
            "The requested memory allocation is not large enough to run all of your sidecar processes"
        )


def check_new_type(db: Db, process: Process) -> None:
    """Refuse a process type that a droplet brings and whose memory does not hold its sidecars."""
    beside = memory_beside(db, process)
    if beside and beside >= process.memory_mb:
        raise unprocessable(
            "The sidecar memory allocation defined is too large to run with the dependent "
            f'"{process.type}" process'
        )


def _check_memory(db: Db, sidecar: Sidecar) -> None:
    others = [other for other in db.find(Sidecar, app_guid=sidecar.app_guid) if other.guid != sidecar.guid]
    for process in _processes(db, sidecar.app_guid, sidecar.process_types):
        beside = _total(other for other in others if process.type in other.process_types)
        if beside + (sidecar.memory_mb or 0) >= process.memory_mb:
            raise unprocessable(
                "The memory allocation defined is too large to run with the dependent "
                f'"{process.type}" process'
            )


def _check_words(sidecar: Sidecar) -> None:
    faults = {
        "name is not present": not sidecar.name.strip(),
        "command is not present": not sidecar.command.strip(),
        f"Name is too long (maximum is {LONGEST_NAME} characters)": len(sidecar.name) > LONGEST_NAME,
        f"Command is too long (maximum is {LONGEST_COMMAND} characters)": len(sidecar.command)
        > LONGEST_COMMAND,
    }
    if any(faults.values()):
        raise unprocessable(", ".join(fault for fault, found in faults.items() if found))


def _check_name(db: Db, sidecar: Sidecar) -> None:
    namesakes = db.find(Sidecar, app_guid=sidecar.app_guid, name=sidecar.name)
    if any(other.guid != sidecar.guid for other in namesakes):
        raise unprocessable(f"Sidecar with name '{sidecar.name}' already exists for given app")


def _processes(db: Db, app_guid: str, types: Sequence[str]) -> list[Process]:
    return [process for process in db.find(Process, app_guid=app_guid) if process.type in types]


def _total(sidecars: Iterable[Sidecar]) -> int:
    return sum(sidecar.memory_mb or 0 for sidecar in sidecars)
