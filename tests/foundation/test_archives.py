"""Zips that users bring: what is kept of good ones, and that bad ones are refused at once."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from foundation.archives import zips
from foundation.failures import ArchiveError

FILE, LINK, FOLDER = 0o100644, 0o120777, 0o040755


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
