"""App manifests read into what is to change, with every problem found in one go.

Unknown keys are ignored, as the real platform does; known ones that the local foundation lacks are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation import errors
from foundation.manifest_values import (
    PROCESS_VALUES,
    Problems,
    as_texts,
    sidecar_memory,
    text_list,
)
from foundation.manifest_yaml import unified
from foundation.rows.base import no_metadata

# What each is, and the values that ask for nothing.
LACKING: Mapping[str, tuple[str, Sequence[Any]]] = {
    "docker": ("Docker apps", (None,)),
    "readiness_health_check_type": ("readiness health checks", ("process",)),
    "log_rate_limit_per_second": ("log rate limits", (-1, "-1")),
}
LACKING_IN_ROUTES: Mapping[str, tuple[str, Sequence[Any]]] = {
    "protocol": ("routes of another protocol than http1", ("http1",)),
    "options": ("route options", (None, {})),
}


@dataclass(frozen=True, kw_only=True)
class ProcessPart:
    """What changes in one process; `changes` are fields of its row."""

    type: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SidecarPart:
    """A sidecar to create or update; `changes` are fields of its row."""

    name: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AppPart:
    """What changes in one app; None and empty mean no change."""

    name: str
    buildpacks: Sequence[str] | None = None
    stack: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, str | None]] = field(default_factory=no_metadata)
    processes: Sequence[ProcessPart] = ()
    sidecars: Sequence[SidecarPart] = ()
    routes: Sequence[str] = ()
    no_route: bool = False
    random_route: bool = False
    default_route: bool = False
    services: Sequence[str] = ()
    features: Mapping[str, Any] = field(default_factory=dict)


def read(applications: Sequence[Mapping[str, Any]]) -> list[AppPart]:
    """Return what a manifest asks for; raise all that is wrong with it."""
    sentences: list[str] = []
    parts: list[AppPart] = []
    for application in applications:
        name = application.get("name")
        if not isinstance(name, str) or not name.strip():
            sentences.append(f"For application at index {len(parts)}: Name must be a non-empty string")
            continue
        problems = Problems(prefix=f"For application '{name}': ", sentences=sentences)
        parts.append(_app(name, application, problems))
    if sentences:
        raise errors.unprocessable(*sentences)
    return parts


def _app(name: str, given: Mapping[str, Any], problems: Problems) -> AppPart:
    _refuse(LACKING, given, problems)
    if given.get("lifecycle") not in (None, "buildpack"):
        problems.add("the local foundation supports the buildpack lifecycle only")
    return AppPart(
        name=name,
        buildpacks=_buildpacks(given, problems),
        stack=problems.text(given, "stack"),
        environment=as_texts(problems.mapping(given, "env")),
        metadata=_metadata(problems.mapping(given, "metadata"), problems),
        processes=_processes(given, problems),
        sidecars=_sidecars(given, problems),
        routes=_routes(given, problems),
        no_route=given.get("no_route") is True,
        random_route=given.get("random_route") is True,
        default_route=given.get("default_route") is True,
        services=_services(given, problems),
        features=problems.mapping(given, "features"),
    )


def _refuse(
    lacking: Mapping[str, tuple[str, Sequence[Any]]], given: Mapping[str, Any], problems: Problems
) -> None:
    for key, (what, harmless) in lacking.items():
        if key in given and given[key] not in harmless:
            problems.add(f"the local foundation does not support {what}")


def _buildpacks(given: Mapping[str, Any], problems: Problems) -> Sequence[str] | None:
    if "buildpacks" in given:
        return text_list(given["buildpacks"] or [], "Buildpacks", problems)
    if "buildpack" not in given:
        return None
    single = problems.text(given, "buildpack")
    return [] if single in {None, "null", "default"} else [str(single)]


def _metadata(given: Mapping[str, Any], problems: Problems) -> Mapping[str, Mapping[str, str | None]]:
    parts: dict[str, Mapping[str, str | None]] = {}
    for name in ("labels", "annotations"):
        values = problems.mapping(given, name)
        parts[name] = {str(key): None if value is None else str(value) for key, value in values.items()}
    return parts


def _processes(given: Mapping[str, Any], problems: Problems) -> list[ProcessPart]:
    """Return the process parts: the app's own attributes are about web unless `processes` has it."""
    entries = [unified(entry) for entry in problems.mappings(given, "processes")]
    for entry in entries:
        _refuse(LACKING, entry, problems)
    parts = [_process(str(entry.get("type") or ""), entry, problems) for entry in entries]
    for part in parts:
        if not part.type:
            problems.add("Process must have a type")
    if any(part.type == "web" for part in parts):
        return parts
    return [_process("web", given, problems), *parts]


def _process(process_type: str, given: Mapping[str, Any], problems: Problems) -> ProcessPart:
    changes = {}
    for key, (column, convert) in PROCESS_VALUES.items():
        if key in given:
            try:
                changes[column] = convert(given[key])
            except ValueError as error:
                label = key.replace("_", " ").capitalize()
                problems.add(f'Process "{process_type}": {label} {error}')
    return ProcessPart(type=process_type, changes=changes)


def _sidecars(given: Mapping[str, Any], problems: Problems) -> list[SidecarPart]:
    if not isinstance(given.get("sidecars", []), list):
        problems.add("Sidecars must be an array of sidecar configurations")
        return []
    return [_sidecar(unified(entry), problems) for entry in problems.mappings(given, "sidecars")]


def _sidecar(given: Mapping[str, Any], problems: Problems) -> SidecarPart:
    name, command, types = given.get("name"), given.get("command"), given.get("process_types")
    inner = problems.within(f'Sidecar "{name}": ')
    for label, value, longest in (("Name", name, 255), ("Command", command, 4096)):
        if not isinstance(value, str) or not value.strip():
            inner.add(f"{label} can't be blank")
        elif len(value) > longest:
            inner.add(f"{label} is too long (maximum is {longest} characters)")
    if not isinstance(types, list) or not types or not all(isinstance(entry, str) for entry in types):
        inner.add("Process types must have at least 1 process_type")
    changes = {"command": command, "process_types": types}
    if "memory" in given:
        try:
            changes["memory_mb"] = sidecar_memory(given["memory"])
        except ValueError as error:
            inner.add(f"Memory {error}")
    return SidecarPart(name=str(name), changes=changes)


def _routes(given: Mapping[str, Any], problems: Problems) -> list[str]:
    entries = problems.mappings(given, "routes")
    for entry in entries:
        _refuse(LACKING_IN_ROUTES, entry, problems)
    urls = [entry.get("route") for entry in entries]
    for url in urls:
        if not isinstance(url, str) or not url or " " in url:
            problems.add(f"The route '{url}' is not a properly formed URL")
    return [str(url) for url in urls]


def _services(given: Mapping[str, Any], problems: Problems) -> list[str]:
    services = given.get("services") or []
    if not isinstance(services, list):
        problems.add("Services must be an array")
        return []
    return [str(entry.get("name") if isinstance(entry, dict) else entry) for entry in services]
