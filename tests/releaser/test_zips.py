"""Zips: the same bytes for the same entries, read by others, and nothing hostile is believed."""

import hashlib
import io
import stat
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaser import config
from releaser.errors import PackageError
from releaser.tools import go, shell, zips
from releaser.tools.packing import Packer
from releaser.tools.zips import Source
from tests.releaser.toy import CACHE, EPOCH, ROOT

NAMES = st.text("aä.-_ ", min_size=1, max_size=8).filter(lambda name: name.strip(". ") != "")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.one_of(
    st.binary(max_size=300), st.binary(min_size=1, max_size=9).map(lambda seed: seed * 40_000)
)
TREES = st.dictionaries(PATHS, st.tuples(CONTENTS, st.sampled_from([0o644, 0o755])), max_size=6)
HASTY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sources(tree: dict[str, tuple[bytes, int]]) -> list[Source]:
    return [Source(name=name, mode=mode, content=content) for name, (content, mode) in tree.items()]


def write(path: Path, **files: bytes) -> Path:
    zips.write(path, sources({name: (content, 0o644) for name, content in files.items()}), EPOCH)
    return path


@HASTY
@given(TREES)
def test_what_is_written_is_read_by_zipfile_and_by_us(
    tmp_path: Path, tree: dict[str, tuple[bytes, int]]
) -> None:
    path = tmp_path / "one.zip"
    zips.write(path, sources(tree), EPOCH)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {
            name: content for name, (content, _) in tree.items()
        }
        assert {info.date_time for info in archive.infolist()} <= {(2023, 11, 14, 22, 13, 20)}
    found = [(entry.path, entry.mode, entry.digest, entry.size) for entry in zips.entries(path)]
    assert found == sorted(
        (name, mode, hashlib.sha256(content).hexdigest(), len(content))
        for name, (content, mode) in tree.items()
    )


@HASTY
@given(TREES)
def test_same_entries_give_the_same_bytes_from_bytes_and_from_files(
    tmp_path: Path, tree: dict[str, tuple[bytes, int]]
) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    zips.write(one, sources(tree), EPOCH)
    filed = []
    for number, source in enumerate(sources(tree)):
        file = tmp_path / str(number)
        assert isinstance(source.content, bytes)
        file.write_bytes(source.content)
        filed.append(Source(name=source.name, mode=source.mode, content=file))
    zips.write(two, filed, EPOCH)
    assert one.read_bytes() == two.read_bytes()


# Go's archive/zip shares nothing with ours or Python's, and Go is always at hand here.
READER = """package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	archive, err := zip.OpenReader(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, file := range archive.File {
		content, err := file.Open()
		if err != nil {
			panic(err)
		}
		digest := sha256.New()
		if _, err := io.Copy(digest, content); err != nil {
			panic(err)
		}
		fmt.Printf("%x %v %d %s\\n", digest.Sum(nil), file.Mode(), file.Method, file.Name)
	}
}
"""


def test_program_in_go_reads_contents_modes_and_names(tmp_path: Path) -> None:
    text = b"".join(hashlib.sha256(bytes([number % 251])).digest() * 9000 for number in range(20))
    noise = b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(80_000))
    tree = {"bin/supply": (text, 0o755), "ä ö.bin": (noise, 0o644), "empty": (b"", 0o644)}
    zips.write(tmp_path / "one.zip", sources(tree), EPOCH)
    (tmp_path / "main.go").write_text(READER)
    program = go.find(config.load(ROOT / "sidecar.yml").go.version)
    env = shell.environment(go.environment(CACHE, go.host()))
    argv: list[str | Path] = [program, "run", tmp_path / "main.go", tmp_path / "one.zip"]
    said = subprocess.check_output(argv, env=env, text=True, encoding="utf-8").splitlines()
    digests = {name: hashlib.sha256(content).hexdigest() for name, (content, _) in tree.items()}
    assert said == [
        f"{digests['bin/supply']} -rwxr-xr-x {zipfile.ZIP_DEFLATED} bin/supply",
        f"{digests['ä ö.bin']} -rw-r--r-- {zipfile.ZIP_STORED} ä ö.bin",
        f"{digests['empty']} -rw-r--r-- {zipfile.ZIP_STORED} empty",
    ]


def test_file_with_another_digest_than_expected_leaves_nothing(tmp_path: Path) -> None:
    source = Source(name="a", mode=0o644, content=b"a", digest="ab" * 32)
    with pytest.raises(PackageError, match=r"a has the digest ca978.*, not abab"):
        zips.write(tmp_path / "one.zip", [source], EPOCH)
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_the_older_zip_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "one.zip", a=b"older")
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        zips.write(path, [Source(name="a", mode=0o644, content=tmp_path / "nowhere")], EPOCH)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


FULL = """
import errno, resource, sys
from pathlib import Path
from releaser.tools import zips
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
noise = Path(sys.argv[1])
try:
    zips.write(noise.with_name("one.zip"), [zips.Source(name="noise", mode=0o644, content=noise)], 0)
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.write_bytes(b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(1 << 17)))
    said = subprocess.check_output([sys.executable, "-c", FULL, noise], cwd=ROOT, text=True)
    assert said == "EFBIG\n"
    assert list(tmp_path.iterdir()) == [noise]


@pytest.mark.parametrize(("epoch", "year"), [(0, 1980), (EPOCH, 2023), (9_000_000_000, 2107)])
def test_date_is_the_epochs_where_a_zip_can_hold_it(tmp_path: Path, epoch: int, year: int) -> None:
    zips.write(tmp_path / "one.zip", [Source(name="a", mode=0o644, content=b"")], epoch)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.infolist()[0].date_time[0] == year


# --- beyond what 32 bits hold


def test_entry_and_directory_beyond_four_gibibytes_are_found_again(tmp_path: Path) -> None:
    """A hole in a sparse file stands for what else the zip would hold: nothing is written there or read."""
    path = tmp_path / "one.zip"
    stamp, quiet = (0, 33), lambda _: None
    with path.open("wb") as out, Packer() as packer:
        first = zips._write_entry(out, Source(name="a", mode=0o644, content=b"a" * 99), stamp, packer, quiet)
        out.seek((4 << 30) + 5)
        second = zips._write_entry(out, Source(name="b", mode=0o755, content=b"b" * 99), stamp, packer, quiet)
        zips._write_directory(out, [first, second], stamp)
    assert path.stat().st_blocks * 512 < 1 << 20
    with zipfile.ZipFile(path) as archive:
        assert [info.header_offset for info in archive.infolist()] == [0, (4 << 30) + 5]
        assert archive.read("b") == b"b" * 99
    assert [(entry.path, entry.mode) for entry in zips.entries(path)] == [("a", 0o644), ("b", 0o755)]


def test_directory_says_sizes_of_four_gibibytes_and_more(tmp_path: Path) -> None:
    """What zipfile reads of an entry that was never written: its sizes, from the 64-bit fields."""
    sizes = [0xFFFFFFFE, 0xFFFFFFFF, 5 << 30]
    written = [
        zips._Written(name=b"%d" % size, mode=0o644, method=0, crc=0, packed=size, size=size, offset=0)
        for size in sizes
    ]
    content = io.BytesIO()
    zips._write_directory(content, written, (0, 33))
    with zipfile.ZipFile(content) as archive:
        assert [(info.file_size, info.compress_size) for info in archive.infolist()] == [
            (size, size) for size in sizes
        ]
        assert [bool(info.extra) for info in archive.infolist()] == [False, True, True]


@pytest.mark.slow
def test_more_entries_than_sixteen_bits_count_are_all_listed() -> None:
    written = [
        zips._Written(name=b"%d" % number, mode=0o644, method=0, crc=0, packed=0, size=0, offset=0)
        for number in range(0xFFFF)
    ]
    content = io.BytesIO()
    zips._write_directory(content, written, (0, 33))
    with zipfile.ZipFile(content) as archive:
        assert len(archive.infolist()) == 0xFFFF


# --- hostile zips


def made(path: Path, *names: str, mode: int = stat.S_IFREG | 0o644, size: int | None = None) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            info = zipfile.ZipInfo()
            info.filename = name
            info.external_attr = mode << 16
            archive.writestr(info, b"content")
            if size is not None:
                info.file_size = size
    return path


def test_plain_zip_of_another_program_is_read(tmp_path: Path) -> None:
    found = zips.entries(made(tmp_path / "one.zip", "a/b", "c..d", "...", "e:f"))
    assert [entry.path for entry in found] == ["...", "a/b", "c..d", "e:f"]


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "a/..", "/a", "//a", "a\\b", "..\\a", "C:\\a", "a\0b", "a\0/../../b"]
)
def test_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError, match="which is no plain file in it"):
        zips.entries(made(tmp_path / "one.zip", name))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, 0])
def test_entry_that_is_no_regular_file_is_refused(tmp_path: Path, kind: int) -> None:
    with pytest.raises(PackageError, match="which is no plain file in it"):
        zips.entries(made(tmp_path / "one.zip", "a", mode=kind | 0o755))


def test_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="holds a twice"):
        zips.entries(made(tmp_path / "one.zip", "a", "b", "a"))


def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="would unpack to more than 16 GiB"):
        zips.entries(made(tmp_path / "one.zip", "a", "b", size=9 << 30))


def test_entry_that_is_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be read"):
        zips.entries(made(tmp_path / "one.zip", "a", size=3))


def test_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "one.zip", "a")
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(PackageError, match=r"cannot be read.*encrypted"):
        zips.entries(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_file_that_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.zip").write_bytes(content)
    with pytest.raises(PackageError, match=r"one\.zip cannot be read"):
        zips.entries(tmp_path / "one.zip")


def damaged(change: Callable[[bytearray], None], path: Path) -> bytes:
    content = bytearray(write(path, a=b"text " * 500, b=b"\1\2\3").read_bytes())
    change(content)
    return bytes(content)


@settings(HASTY, max_examples=60)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans())
def test_damaged_zip_is_refused_or_read_but_never_crashes(
    tmp_path: Path, where: float, flip: int, cut: bool
) -> None:
    def change(content: bytearray) -> None:
        at = int(where * len(content))
        if cut:
            del content[at:]
        else:
            content[at] ^= flip

    path = tmp_path / "one.zip"
    path.write_bytes(damaged(change, path))
    try:
        zips.entries(path)
    except PackageError as error:
        assert error.remedy  # noqa: PT017  # both ends are fine, any other exception is not
