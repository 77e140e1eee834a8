"""One source gives one binary, with exactly the version of Go that is asked for."""

import os
import shutil
from pathlib import Path

import pytest

from releaser import config
from releaser.errors import SourceError
from releaser.model import sha256
from releaser.tools import go, shell
from tests.releaser import toy
from tests.releaser.toy import CACHE, PROGRAM, ROOT

VERSION = config.load(ROOT / "sidecar.yml").go.version
FILES = {"go.mod": "module toy\n\ngo 1.27\n", "main.go": PROGRAM}


def build(source: Path, into: Path, *, target: str = "linux/amd64", cache: Path = CACHE) -> str:
    go.build(go.find(VERSION), source, into, target=target, variables={"version": "1.2.3"}, cache=cache)
    return sha256(into)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    toy.write(tmp_path / "one", FILES)
    return tmp_path / "one"


def test_other_folder_dates_and_settings_give_the_same_bytes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "a longer folder" / "two"
    shutil.copytree(source, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    toy.git(other, "init", "--quiet", "--template=")
    toy.commit(other, "feat: begin")
    first = build(source, tmp_path / "first")
    for name, value in {
        "GOFLAGS": "-race",
        "GOAMD64": "v3",
        "CGO_ENABLED": "1",
        "GOWORK": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert build(other, tmp_path / "second") == first


@pytest.mark.engine
def test_empty_cache_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    """It compiles the standard library anew: too slow for the fast tests, though it needs no engine."""
    assert build(source, tmp_path / "first") == build(source, tmp_path / "second", cache=tmp_path / "cache")


def test_variables_are_set_where_the_program_has_them(source: Path, tmp_path: Path) -> None:
    program = PROGRAM.replace('var version = "dev"', 'var version, name = "dev", "?"')
    (source / "main.go").write_text(program.replace('"toy", version', "name, version"))
    given = {"version": "1.2.3", "name": "agent", "portVariable": "AGENT_PORT"}
    go.build(go.find(VERSION), source, tmp_path / "p", target=go.host(), variables=given, cache=CACHE)
    assert shell.run([tmp_path / "p", "--version"]).stdout == b"agent 1.2.3\n"


def test_another_target_gives_another_program(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path / "program", target=go.host())
    said = shell.run([tmp_path / "program", "--version"]).stdout
    assert said == b"toy 1.2.3\n"
    assert b"1.2.3" in (tmp_path / "program").read_bytes()


def test_program_is_static_and_without_paths_of_this_machine(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path / "program")
    content = (tmp_path / "program").read_bytes()
    assert b"/lib64/ld-linux" not in content
    assert str(tmp_path).encode() not in content


def test_source_that_does_not_compile_is_named_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    (source / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(SourceError, match="undefined: undefined") as caught:
        build(source, tmp_path / "out" / "program")
    assert caught.value.remedy == "Mend one and commit."
    assert list((tmp_path / "out").iterdir()) == []


def test_failed_build_leaves_the_older_program(source: Path, tmp_path: Path) -> None:
    before = build(source, tmp_path / "program")
    (source / "main.go").write_text("package main\n")
    with pytest.raises(SourceError, match="function main is undeclared"):
        build(source, tmp_path / "program")
    assert sha256(tmp_path / "program") == before


def test_version_that_is_not_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(SourceError, match=rf"Go 1\.2\.3 is not here \(found: .*{VERSION}") as caught:
        go.find("1.2.3")
    assert "./inv lock" in caught.value.remedy


def test_go_of_another_version_on_the_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.write(tmp_path, {"bin/go": "#!/bin/sh\necho go1.2.3\n"})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert go.find("1.2.3") == tmp_path / "bin/go"
    found = go.find(VERSION)
    assert found != tmp_path / "bin/go"
    assert shell.run([found, "env", "GOVERSION"]).stdout == f"go{VERSION}\n".encode()


def test_module_that_vet_refuses_is_refused(source: Path) -> None:
    body = 'package main\n\nimport "fmt"\n\nfunc wrong() { fmt.Printf("%d", "text") }\n'
    (source / "wrong.go").write_text(body)
    with pytest.raises(SourceError, match="wrong type string"):
        go.check(go.find(VERSION), source, CACHE)


def test_only_where_modules_come_from_is_the_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOPROXY", "https://proxy.example.com")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOEXPERIMENT", "x")
    found = go.environment(tmp_path, "linux/amd64")
    assert (found["GOPROXY"], found["GOFLAGS"]) == ("https://proxy.example.com", "")
    assert "GOEXPERIMENT" not in found
