"""Ports stay the same from start to start where they can."""

import socket
from pathlib import Path

from embedded import ports


def test_wanted_port_is_taken_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert ports.choose(path, {"api": free}) == {"api": free}
    assert ports.choose(path, {"api": None}) == {"api": free}


def test_port_in_use_is_passed_over_unless_it_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        path.write_text(f'{{"api": {taken}}}')
        assert ports.choose(path, {"api": taken}, keep=True) == {"api": taken}
        chosen = ports.choose(path, {"api": taken})["api"]
        assert chosen != taken
        assert ports.LOWEST <= chosen < ports.HIGHEST


def test_ports_with_twins_have_both_free_and_differ(tmp_path: Path) -> None:
    names = dict.fromkeys(("s3", "master", "volume", "filer"))
    chosen = ports.choose(tmp_path / "ports.json", names, twins=True)
    assert len(set(chosen.values())) == 4
    assert all(ports.is_free(port) and ports.is_free(port + ports.TWIN) for port in chosen.values())


def test_damaged_file_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text("{")
    assert set(ports.choose(path, {"api": None})) == {"api"}
