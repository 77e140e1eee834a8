"""The bills of materials: valid CycloneDX, the same bytes each time, and nothing left out."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from releaser import candidate
from releaser.evidence import sbom
from releaser.tools import go, shell
from tests.releaser.toy import CACHE, Stage, write

pytestmark = pytest.mark.slow

LIBRARY, FORKED, FORK = "example.com/library", "example.com/old", "example.com/new"
USING = f"""package main

import (
	"fmt"
	"{LIBRARY}"
	"{FORKED}"
)

func main() {{ fmt.Println(library.Word(), old.Word()) }}
"""
MODULE = f"""module example.com/Using

go 1.21

require (
	{LIBRARY} v1.2.3
	{FORKED} v0.1.0
)

replace {FORKED} => {FORK} v0.2.0
"""


def proxy(folder: Path, path: str, version: str, package: str, says: str = "") -> None:
    """Put a module with one function into a folder that Go takes for a module proxy."""
    mod = f"module {says or path}\n"
    write(folder / path / "@v", {f"{version}.info": json.dumps({"Version": version}), f"{version}.mod": mod})
    with zipfile.ZipFile(folder / path / "@v" / f"{version}.zip", "w") as archive:
        archive.writestr(f"{path}@{version}/go.mod", mod)
        archive.writestr(
            f"{path}@{version}/one.go", f'package {package}\n\nfunc Word() string {{ return "w" }}\n'
        )


def compile_with_dependencies(stage: Stage, folder: Path) -> Path:
    """Put a program of three modules, one of them replaced, where the sidecar lies."""
    proxy(folder / "proxy", LIBRARY, "v1.2.3", "library")
    proxy(folder / "proxy", FORK, "v0.2.0", "old", says=FORKED)
    write(folder / "source", {"go.mod": MODULE, "main.go": USING})
    program, into = go.find(stage.release.config.go.version), stage.release.binary_path("linux/amd64")
    env = {
        **go.environment(CACHE, "linux/amd64"),
        "GOPROXY": (folder / "proxy").as_uri(),
        "GOMODCACHE": str(folder / "modules"),
        "GONOSUMDB": "*",
        "GOFLAGS": "-mod=mod -modcacherw",
    }
    shell.run([program, "build", "-trimpath", "-o", into, "."], cwd=folder / "source", env=env)
    return into


def made(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return the documents of the packaged candidate's zips, read."""
    ready = candidate.ready(stage.release)
    entries = ready.entries if ready else {}
    return {name: json.loads(one) for name, one in sbom.documents(stage.release, entries).items()}


def properties(component: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(row["name"], row["value"]) for row in component["properties"]}


def digest(component: Mapping[str, Any]) -> str:
    [found] = component["hashes"]
    assert found["alg"] == "SHA-256"
    return str(found["content"])


def require_valid(documents: Mapping[str, Any]) -> None:
    for name, document in documents.items():
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
        assert error is None, f"{name}: {error}"
        refs = {one["bom-ref"] for one in (*document["components"], document["metadata"]["component"])}
        assert len(refs) == len(document["components"]) + 1
        named = {row["ref"] for row in document["dependencies"]}
        assert {one for row in document["dependencies"] for one in row["dependsOn"]} | named == refs


def test_documents_are_valid_by_the_schema_of_cyclonedx_1_6(packaged: Stage) -> None:
    documents = made(packaged)
    assert set(documents) == {"toy-0.1.0.cdx.json", "toy_buildpack-0.1.0.cdx.json"}
    require_valid(documents)


def test_documents_carry_the_source_commits_date_and_a_serial_number_of_their_content(
    packaged: Stage, tmp_path: Path
) -> None:
    before = made(packaged)
    assert {one["metadata"]["timestamp"] for one in before.values()} == {"2023-11-14T22:13:20Z"}
    assert len({one["serialNumber"] for one in before.values()}) == 2
    assert made(packaged) == before
    compile_with_dependencies(packaged, tmp_path / "go")
    after = made(packaged)
    assert all(after[name]["serialNumber"] != one["serialNumber"] for name, one in before.items())


def test_sidecars_document_names_the_binary_its_toolchain_and_how_it_was_built(packaged: Stage) -> None:
    binary = packaged.release.binaries()[0]
    document = made(packaged)["toy-0.1.0.cdx.json"]
    product = document["metadata"]["component"]
    assert (product["name"], product["version"], product["purl"]) == ("toy", "0.1.0", "pkg:golang/toy@0.1.0")
    program, std = sorted(document["components"], key=lambda one: one["type"])
    assert program["name"] == f"toy-linux-amd64-{binary.digest[:12]}"
    assert digest(program) == hashlib.sha256(binary.path.read_bytes()).hexdigest()
    version = packaged.release.config.go.version
    assert {
        ("go:version", version),
        ("go:build:CGO_ENABLED", "0"),
        ("go:build:GOARCH", "amd64"),
    } <= properties(program)
    assert (std["name"], std["version"], std["purl"]) == ("std", version, f"pkg:golang/std@{version}")
    assert {"ref": program["bom-ref"], "dependsOn": [std["bom-ref"]]} in document["dependencies"]


def test_sidecars_document_names_each_module_that_is_compiled_in_with_its_sum(
    packaged: Stage, tmp_path: Path
) -> None:
    compile_with_dependencies(packaged, tmp_path)
    documents = made(packaged)
    require_valid(documents)
    document = documents["toy-0.1.0.cdx.json"]
    found = {one["name"]: one for one in document["components"] if one["type"] == "library"}
    assert set(found) == {"std", LIBRARY, FORK}
    assert found[LIBRARY]["purl"] == f"pkg:golang/{LIBRARY}@v1.2.3"
    sums = (tmp_path / "source/go.sum").read_text().splitlines()
    for path, version in ((LIBRARY, "v1.2.3"), (FORK, "v0.2.0")):
        [expected] = [line.split(" ")[2] for line in sums if line.startswith(f"{path} {version} ")]
        assert (found[path]["version"], properties(found[path])) == (version, {("go:sum", expected)})
    program = next(one["bom-ref"] for one in document["components"] if one["type"] == "application")
    refs = sorted(one["bom-ref"] for one in found.values())
    assert {"ref": program, "dependsOn": refs} in document["dependencies"]


def test_buildpacks_document_names_every_file_of_every_zip_and_the_sidecar_by_digest(packaged: Stage) -> None:
    document = made(packaged)["toy_buildpack-0.1.0.cdx.json"]
    binary, ready = packaged.release.binaries()[0], candidate.ready(packaged.release)
    assert ready is not None
    named = {
        (one["name"], digest(one)): properties(one) for one in document["components"] if one["type"] == "file"
    }
    held = set()
    for one in ready.zips:
        with zipfile.ZipFile(packaged.release.zips / one.name) as archive:
            rows = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        for path, found in rows.items():
            if path.startswith("dependencies/"):
                assert found == binary.digest
            else:
                assert ("release-train:zip", one.name) in named[path, found]
                held.add((path, found))
    assert set(named) == held
    [sidecar] = [one for one in document["components"] if one["type"] == "application"]
    assert digest(sidecar) == binary.digest
    other = made(packaged)["toy-0.1.0.cdx.json"]["serialNumber"].removeprefix("urn:uuid:")
    assert sidecar["externalReferences"] == [{"type": "bom", "url": f"urn:cdx:{other}/1"}]
