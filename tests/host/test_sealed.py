"""Programs in a container without network, on this machine's own system."""

import socket
import sys
from pathlib import Path

import pytest

from host import sealed
from host.errors import HostError
from host.machine import here
from host.probe import client
from host.sealed import Wanted

LABELS = {"train.sealed": "test"}

pytestmark = pytest.mark.engine


def python(text: str, mounts: dict[str, Path] | None = None, **environment: str) -> sealed.Ended:
    argv = [sys.executable, "-c", text]
    return sealed.run(
        Wanted(
            argv=argv, mounts={**sealed.python(), **(mounts or {})}, environment=environment, labels=LABELS
        )
    )


def test_program_runs_with_this_python_and_its_environment_and_what_it_prints_comes_apart() -> None:
    done = python("import sys, pydantic; print(sys.version); print('words', file=sys.stderr); sys.exit(7)")
    assert (done.code, done.out, done.err) == (7, f"{sys.version}\n", "words\n")


def test_program_has_no_network_not_even_this_machine() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        done = python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)")
    assert done.code == 1
    assert "Error" in done.err
    names = python("import socket; print([name for _, name in socket.if_nameindex()])")
    assert names.out == "['lo']\n"


def test_program_sees_mounts_alone_and_cannot_write_them(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file").write_text("given")
    (tmp_path / "other").write_text("other")
    text = (
        "import pathlib\n"
        f"print(pathlib.Path('/given/file').read_text(), pathlib.Path({str(tmp_path)!r}).exists())\n"
        "for path in ('/given/file', '/usr/more'):\n"
        "    try:\n        pathlib.Path(path).write_text('x')\n"
        "    except OSError as error:\n        print(error.strerror)\n"
        "pathlib.Path('/tmp/scratch').write_text('x')\n"
    )
    done = python(text, {"/given": tmp_path / "given"})
    assert (done.code, done.err) == (0, "")
    assert done.out == "given False\nRead-only file system\nRead-only file system\n"


def test_program_gets_nothing_of_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    done = python("import os; print(sorted(os.environ))", MORE="1")
    assert done.out == "['HOME', 'HOSTNAME', 'LANG', 'MORE', 'PATH']\n"


def test_nothing_of_it_stays_in_the_engine() -> None:
    python("print(1)")
    with client(here()) as engine:
        wanted = {"label": "train.sealed=test"}
        assert engine.containers(all=True, filters=wanted) == []
        assert engine.images(filters=wanted) == []


def test_program_that_is_not_there_is_an_error_with_the_engines_words() -> None:
    with pytest.raises(HostError, match=r"cannot run a container: .*nowhere"):
        sealed.run(Wanted(argv=["/nowhere"], mounts={}, labels=LABELS))
    test_nothing_of_it_stays_in_the_engine()
