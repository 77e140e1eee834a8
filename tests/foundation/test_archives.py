"""Zips that users bring: what is kept of good ones, and that bad ones are refused at once."""

import errno
import io
import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from foundation.archives import zips
from foundation.failures import ArchiveError
from tests.foundation.hostile import FILE, FOLDER, HOSTILE, LINK, with_entries


def zip_with(path: Path, entries: Sequence[tuple[str, int, str]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, mode, text in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, text, zipfile.ZIP_DEFLATED)
    return path


def test_an_unpacked_zip_keeps_modes_and_links_and_everybody_may_read(tmp_path: Path) -> None:
    entries = [
        ("bin/supply", 0o100700, "script"),
        ("secret", 0o100600, "text"),
        ("lib/link", LINK, "../bin/supply"),
        ("none", 0, "no mode"),
    ]
    zips.unpack(zip_with(tmp_path / "a.zip", entries), tmp_path / "a")
    modes = {
        str(path.relative_to(tmp_path / "a")): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "a").rglob("*")
        if not path.is_symlink()
    }
    assert modes == {"bin": 0o755, "lib": 0o755, "bin/supply": 0o744, "secret": 0o644, "none": 0o644}
    assert (tmp_path / "a/lib/link").readlink() == Path("../bin/supply")


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([("../x", FILE, "")], "'../x' leads out"),
        ([("a/../../x", FILE, "")], "'a/../../x' leads out"),
        ([("/etc/x", FILE, "")], "'/etc/x' leads out"),
        ([("l", LINK, "/etc/passwd")], "link 'l' leads out of its folder: '/etc/passwd'"),
        ([("a/l", LINK, "../../x")], "link 'a/l' leads out"),
        ([("a/up", LINK, ".."), ("l", LINK, "a/up/../x")], "link 'l' leads out"),
        ([("l", LINK, "m"), ("m", LINK, "l")], "link 'l' leads in a circle"),
        ([("l", LINK, "l")], "link 'l' leads in a circle"),
        ([("l", LINK, "."), ("l/x", FILE, "")], "'l/x' lies below 'l', which is no folder"),
        ([("f", FILE, ""), ("f/x", FILE, "")], "'f/x' lies below 'f', which is no folder"),
        ([("d", 0o060644, "")], "'d' is neither file, folder nor link"),
        ([("p", 0o010644, "")], "'p' is neither file, folder nor link"),
        ([("l", LINK, "x" * 5000)], "target of 5000 bytes"),
        ([("big", FILE, "0" * 2_000_000)], "unpacks to 2000000 bytes, more than 1000000"),
    ],
)
def test_a_bad_zip_is_refused_before_anything_is_written(
    tmp_path: Path, entries: Sequence[tuple[str, int, str]], reason: str
) -> None:
    bad = zip_with(tmp_path / "bad.zip", entries)
    with pytest.raises(ArchiveError, match=reason.replace(".", r"\.")):
        zips.unpack(bad, tmp_path / "into", limit=1_000_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"]


def test_a_zip_that_says_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "lying.zip", [("big", FILE, "0" * 100_000)])
    raw = path.read_bytes()
    said = (100_000).to_bytes(4, "little")
    assert raw.count(said) == 2
    path.write_bytes(raw.replace(said, (10).to_bytes(4, "little")))
    with pytest.raises(ArchiveError, match="broken"):
        zips.unpack(path, tmp_path / "into")


@pytest.mark.parametrize("raw", [b"", b"no zip at all", b"PK\3\4" + bytes(50)])
def test_what_is_no_zip_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(ArchiveError, match="the archive is broken"):
        zips.unpack(tmp_path / "x.zip", tmp_path / "into")


def test_a_tar_of_a_zip_has_every_folder_and_belongs_to_vcap(tmp_path: Path) -> None:
    long_name = "n" * 150
    entries = [
        ("deep/er/file", 0o100400, "content"),
        ("link", LINK, "deep/er"),
        ("empty/", FOLDER, ""),
        (long_name, FILE, "x" * 600),
    ]
    raw = b"".join(zips.tar_of(zip_with(tmp_path / "a.zip", entries), under="app"))
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = {member.name: member for member in tar}
        assert list(members) == [
            *("app", "app/deep", "app/deep/er", "app/deep/er/file", "app/empty", "app/link"),
            f"app/{long_name}",
        ]
        assert {(member.uid, member.gid) for member in members.values()} == {(2000, 2000)}
        assert members["app/deep/er/file"].mode == 0o600
        assert members["app/link"].linkname == "deep/er"
        content = tar.extractfile(f"app/{long_name}")
        assert content is not None
        assert content.read() == b"x" * 600


@pytest.mark.parametrize("name", ["bomb", "lying", "up", "many-untold", "not-utf-8", "encrypted"])
def test_a_hostile_zip_is_refused_by_the_check_too(tmp_path: Path, name: str) -> None:
    make, words = HOSTILE[name]
    (tmp_path / "bad.zip").write_bytes(make())
    with (
        pytest.raises(ArchiveError, match=re.escape(words)),
        zips.opened(tmp_path / "bad.zip") as archive,
    ):
        zips.check(archive, limit=12_000_000)


def test_a_name_in_utf_8_is_taken_as_it_is_whether_the_zip_says_so_or_not(tmp_path: Path) -> None:
    for flagged, name in ((True, "größe"), (False, "größe")):
        raw = with_entries((name, FILE, "content"))
        assert raw.count(b"\x00\x08") >= 2  # the flag, as Python sets it
        if not flagged:
            raw = raw.replace(b"PK\3\4\x14\0\0\x08", b"PK\3\4\x14\0\0\0")
            raw = raw.replace(b"PK\1\2\x14\3\x14\0\0\x08", b"PK\1\2\x14\3\x14\0\0\0")
        path = tmp_path / f"{flagged}.zip"
        path.write_bytes(raw)
        zips.unpack(path, tmp_path / f"into-{flagged}")
        assert [each.name for each in (tmp_path / f"into-{flagged}").iterdir()] == [name]


def test_an_entry_without_a_time_is_fine(tmp_path: Path) -> None:
    raw = with_entries(("f", FILE, "content")).replace(struct.pack("<H", 33), bytes(2))
    (tmp_path / "a.zip").write_bytes(raw)
    assert b"".join(zips.tar_of(tmp_path / "a.zip", under="app"))


def test_a_full_disk_is_not_the_archives_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="No space left"):
        zips.unpack(zip_with(tmp_path / "a.zip", [("f", FILE, "")]), tmp_path / "into")
