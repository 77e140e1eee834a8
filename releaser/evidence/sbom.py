"""The bills of materials, CycloneDX 1.6: what the sidecar was compiled of, and what the buildpack holds.

They are made of the compiled binaries and the zips' lists of entries alone, so the same release has the same
bytes everywhere: the date is the source commit's, the serial number a digest of the content.
"""

import datetime
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from releaser.model import Binary, Release, encode
from releaser.tools import go
from releaser.tools.go import BuildInfo, Module

KIND = "application/vnd.cyclonedx+json"
SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
CACHED = "dependencies"  # where a cached zip holds the sidecar
Component = dict[str, Any]
Entries = Mapping[str, list[Mapping[str, Any]]]


def documents(release: Release, entries: Entries) -> dict[str, bytes]:
    """Return the two documents by name; `entries` are those of each zip."""
    sidecar = _sidecar(release)
    return {
        f"{release.name}-{release.version}.cdx.json": encode(sidecar),
        f"{release.name}_buildpack-{release.version}.cdx.json": encode(_buildpack(release, entries, sidecar)),
    }


def _sidecar(release: Release) -> Mapping[str, Any]:
    program = go.find(release.config.go.version)
    found = {binary: go.build_info(program, binary.path) for binary in release.binaries()}
    main = next(iter(found.values())).main
    product = {
        "type": "application",
        "bom-ref": release.name,
        "name": release.name,
        "version": release.version,
        "purl": _purl(main.path, release.version),
    }
    libraries = {one["bom-ref"]: one for info in found.values() for one in _libraries(info)}
    files = {one: _compiled(release, one, info) for one, info in found.items()}
    needs = {files[one]["bom-ref"]: [row["bom-ref"] for row in _libraries(found[one])] for one in found}
    return _document(release, product, [*files.values(), *libraries.values()], needs)


def _compiled(release: Release, binary: Binary, info: BuildInfo) -> Component:
    """Return a compiled sidecar, with how it was compiled."""
    settings = {f"go:build:{key}": value for key, value in info.settings.items()}
    return {
        **_executable(release, binary),
        "properties": _properties({"go:version": info.go, "go:module": info.main.path, **settings}),
    }


def _executable(release: Release, binary: Binary) -> Component:
    name = PurePosixPath(release.binary_key(binary)).name
    return {
        "type": "application",
        "bom-ref": name,
        "name": name,
        "version": release.version,
        "hashes": [{"alg": "SHA-256", "content": binary.digest}],
    }


def _libraries(info: BuildInfo) -> Iterator[Component]:
    """Yield Go's own library and the modules that are compiled in."""
    yield {
        **_library(Module(path="std", version=info.go, sum="")),
        "cpe": f"cpe:2.3:a:golang:go:{info.go}:*:*:*:*:*:*:*",
    }
    yield from (_library(module) for module in info.dependencies)


def _library(module: Module) -> Component:
    purl = _purl(module.path, module.version)
    named = {"type": "library", "bom-ref": purl, "name": module.path, "version": module.version, "purl": purl}
    return {**named, **({"properties": _properties({"go:sum": module.sum})} if module.sum else {})}


def _purl(path: str, version: str) -> str:
    return f"pkg:golang/{quote(path)}@{quote(version)}"


def _buildpack(release: Release, entries: Entries, sidecar: Mapping[str, Any]) -> Mapping[str, Any]:
    name = f"{release.name}_buildpack"
    product = {"type": "application", "bom-ref": name, "name": name, "version": release.version}
    link = {"type": "bom", "url": f"{sidecar['serialNumber'].replace('uuid', 'cdx')}/1"}
    programs = [{**_executable(release, one), "externalReferences": [link]} for one in release.binaries()]
    return _document(release, product, [*programs, *_files(entries)], {})


def _files(entries: Entries) -> list[Component]:
    """Return each file of the zips once, with the zips that hold it; a cached sidecar is none of them."""
    holders: dict[tuple[str, str, str], list[str]] = {}
    for name, rows in sorted(entries.items()):
        for row in rows:
            if not row["path"].startswith(f"{CACHED}/"):
                holders.setdefault((row["path"], row["sha256"], row["mode"]), []).append(name)
    return [
        {
            "type": "file",
            "bom-ref": f"{path}@{digest}",
            "name": path,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "properties": [
                *_properties({"release-train:mode": mode}),
                *({"name": "release-train:zip", "value": name} for name in names),
            ],
        }
        for (path, digest, mode), names in sorted(holders.items())
    ]


def _properties(rows: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(rows.items())]


def _document(
    release: Release,
    product: Component,
    components: Iterable[Component],
    needs: Mapping[str, list[str]],
) -> Mapping[str, Any]:
    """Return a document; the product depends on the components that nothing else depends on."""
    date = datetime.datetime.fromtimestamp(release.facts.epoch, datetime.UTC)
    listed = sorted(components, key=lambda one: str(one["bom-ref"]))
    inner = {ref for refs in needs.values() for ref in refs}
    outer = [one["bom-ref"] for one in listed if one["bom-ref"] not in inner]
    content = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": date.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": product},
        "components": listed,
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(refs)}
            for ref, refs in sorted({**needs, product["bom-ref"]: outer}.items())
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_OID, encode(content).decode())
    return {**content, "serialNumber": f"urn:uuid:{serial}"}
