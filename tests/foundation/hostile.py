"""Zips that somebody made to do harm, or whose maker erred, each with a word of why it is refused."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence

FILE, LINK, FOLDER = 0o100644, 0o120777, 0o040755
END = struct.Struct("<4s4H2IH")
ENTRY = struct.Struct("<4s4B4HL2L5H2L")


def with_entries(*entries: tuple[str, int, str]) -> bytes:
    """Return a zip of (name, mode, content)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal names
        for name, mode, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def renamed(new: bytes, flags: int = 0) -> bytes:
    """Return a zip with one file whose name is these bytes."""
    old = b"n" * len(new)
    raw = with_entries((old.decode(), FILE, "content")).replace(old, new)
    return raw.replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0" + struct.pack("<H", flags))


def flagged(offset: int, value: int) -> bytes:
    """Return a zip with one file, with two bytes of its entries changed: flags are at 6, the method at 8."""
    raw = bytearray(with_entries(("f", FILE, "content")))
    for place in (offset, raw.index(b"PK\1\2") + 2 + offset):
        raw[place : place + 2] = struct.pack("<H", value)
    return bytes(raw)


def many(count: int, told: int | None = None) -> bytes:
    """Return a zip whose directory lists so many entries, and whose end record tells another number."""
    name = b"f"
    entry = ENTRY.pack(b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    number = min(count if told is None else told, 0xFFFF)
    return entry * count + END.pack(b"PK\5\6", 0, 0, number, number, len(entry) * count, 0, 0)


def large_directory() -> bytes:
    """Return a zip whose end record promises a directory of 3 GiB."""
    return bytes(100) + END.pack(b"PK\5\6", 0, 0, 1, 1, 3 << 30, 0, 0)


def many_in_64() -> bytes:
    """Return a zip whose further end record, that of large archives, names a million entries."""
    further = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, 0, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    return further + locator + END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def lying() -> bytes:
    """Return a zip whose file unpacks to more than the zip says."""
    raw = with_entries(("big", FILE, "0" * 100_000))
    return raw.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def tangled() -> bytes:
    """Return a zip of links that lead through each other over and over."""
    deep = "/".join(["d"] * 1900)
    return with_entries(*((f"l{number}", LINK, f"{deep}/../x") for number in range(3000)))


def deep() -> bytes:
    """Return a small zip with hundreds of thousands of folders."""
    return with_entries(*((f"{number}/" + "d/" * 1800, FOLDER, "") for number in range(150)))


# By name: what makes it, and a part of the sentence.
HOSTILE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "up": (lambda: with_entries(("../x", FILE, "")), "'../x' leads out"),
    "up-within": (lambda: with_entries(("a/../../x", FILE, "")), "leads out"),
    "absolute": (lambda: with_entries(("/etc/x", FILE, "")), "'/etc/x' leads out"),
    "link-absolute": (lambda: with_entries(("l", LINK, "/etc/passwd")), "link 'l' leads out"),
    "link-up": (lambda: with_entries(("a/l", LINK, "../../x")), "link 'a/l' leads out"),
    "link-loop": (lambda: with_entries(("l", LINK, "m"), ("m", LINK, "l")), "leads in a circle"),
    "link-tangle": (tangled, "too tangled"),
    "link-nowhere": (lambda: with_entries(("l", LINK, "")), "target that cannot be"),
    "below-link": (lambda: with_entries(("l", LINK, "."), ("l/x", FILE, "")), "no folder"),
    "device": (lambda: with_entries(("d", 0o060644, "")), "neither file, folder nor link"),
    "pipe": (lambda: with_entries(("p", 0o010644, "")), "neither file, folder nor link"),
    "bomb": (lambda: with_entries(*(("b" + str(n), FILE, "0" * 8_000_000) for n in range(2))), "unpacks to"),
    "lying": (lying, "broken"),
    "many": (lambda: many(200_001), "holds 200001 entries"),
    "many-untold": (lambda: many(200_001, told=1), "holds 200001 entries"),
    "many-in-64": (many_in_64, "holds 1000000 entries"),
    "large-directory": (large_directory, "directory has 3221225472 bytes"),
    "deep": (deep, "too many or lie too deep"),
    "not-utf-8": (lambda: renamed(b"\xff\xfe"), "not UTF-8"),
    "control": (lambda: renamed(b"a\nb"), "backslash or control"),
    "nul": (lambda: renamed(b"a\0b"), "backslash or control"),
    "backslash": (lambda: renamed(b"..\\b"), "backslash or control"),
    "long-part": (lambda: with_entries(("n" * 256, FILE, "")), "too long"),
    "long-name": (lambda: with_entries(("n/" * 2000, FILE, "")), "too long"),
    "encrypted": (lambda: flagged(6, 1), "encrypted or neither"),
    "method": (lambda: flagged(8, 12), "encrypted or neither"),
    "cut": (lambda: with_entries(("f", FILE, "x" * 1000))[30:], "broken"),
}
NAMES: Sequence[str] = sorted(HOSTILE)
