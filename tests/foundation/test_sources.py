"""The host's Debian mirrors."""

from pathlib import Path

from foundation import sources

DEB822 = """\
Types: deb deb-src
URIs: http://mirror.example/debian
# a remark
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://other.example/linux
Suites: bookworm
Components: stable
"""
ONE_LINE = """\
# deb http://remark.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main non-free
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-backports main
deb http://other.example/x bookworm stable
"""


def test_only_debians_own_suites_count(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(DEB822)
    (folder / "old.list.disabled").write_text("deb http://disabled.example/debian bookworm main")
    keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert sources.lines("bookworm", apt=tmp_path) == [
        f"deb {keyring} http://mirror.example/debian bookworm main",
        f"deb {keyring} http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/security bookworm-security main",
    ]


def test_the_old_form_counts_as_well(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert sources.lines("bookworm", apt=tmp_path) == [
        "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main"
    ]


def test_a_host_of_another_release_has_none(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://mirror.example/debian trixie main\n")
    assert sources.lines("bookworm", apt=tmp_path) == []
