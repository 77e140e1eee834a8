"""`./inv verify --zip`, and the commands of docs/verify.md: a zip by nothing but the file beside it."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from releaser.errors import VerifyError
from releaser.evidence import provenance
from releaser.tools import ed25519
from releaser.verify import alone
from tests.releaser import released
from tests.releaser.released import KEY, wrong
from tests.releaser.snapshots import Snapshots
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ZIP, CACHED = "toy_buildpack-cflinuxfs4-v0.1.0.zip", "toy_buildpack-cached-cflinuxfs4-v0.1.0.zip"
STATEMENT = "toy_buildpack-v0.1.0.intoto.json"
CODE = ("releaser", "commands", "embedded", "host", "foundation")


@dataclass(frozen=True, kw_only=True)
class Files:
    """What an operator has: a folder with all of a release's files and the maintainers' key."""

    folder: Path

    @property
    def zip(self) -> Path:
        return self.folder / ZIP

    @property
    def statement(self) -> Path:
        return self.folder / STATEMENT

    @property
    def key(self) -> Path:
        return self.folder / "maintainers.pem"


def download(stage: Stage, folder: Path) -> Files:
    folder.mkdir()
    prefix = f"{stage.release.public_prefix}/"
    for key in stage.objects():
        if key.startswith(prefix):
            (folder / key.removeprefix(prefix)).write_bytes(stage.store.read(key) or b"")
    files = Files(folder=folder)
    files.key.write_bytes(released.public_pem(released.MAINTAINER))
    return files


@pytest.fixture
def files(tmp_path: Path, snapshots: Snapshots) -> Files:
    return download(released.open_signed(snapshots, tmp_path / "toy"), tmp_path / "files")


@pytest.fixture
def unsigned(tmp_path: Path, promoted: Stage) -> Files:
    return download(promoted, tmp_path / "files")


def failures(files: Files, name: str = ZIP) -> list[str]:
    return wrong(alone.check(files.folder / name, files.statement, KEY))


def test_each_zip_of_a_release_passes_by_the_one_statement(files: Files) -> None:
    assert alone.statement_of(files.zip) == alone.statement_of(files.folder / CACHED) == files.statement
    assert failures(files) == failures(files, CACHED) == []


def test_each_flipped_byte_of_zip_and_statement_is_found(files: Files) -> None:
    choice = random.Random(4)  # noqa: S311  # it has to be the same each time
    for path in (files.zip, files.statement):
        before = path.read_bytes()
        for _ in range(200):
            path.write_bytes(released.flipped(before, choice))
            assert failures(files), f"nobody saw {path.read_bytes()!r}"
        path.write_bytes(before)
    assert failures(files) == []


def test_zips_whose_names_were_exchanged_are_told_by_their_own_names(files: Files) -> None:
    (files.folder / CACHED).rename(files.zip)
    [said] = failures(files)
    assert f"these bytes are {CACHED}'s" in said


def test_zip_that_holds_a_path_out_of_its_folder_is_refused_though_signed(files: Files) -> None:
    with zipfile.ZipFile(files.zip, "w") as hostile:
        hostile.writestr("../../evil", b"")
    [_, said] = failures(files)
    assert "'../../evil'" in said


def test_statement_of_another_version_does_not_vouch(files: Files) -> None:
    newer = files.folder / ZIP.replace("0.1.0", "0.2.0")
    shutil.copy(files.zip, newer)
    [said] = failures(files, newer.name)
    assert f"{STATEMENT} does not name that file; these bytes are {ZIP}'s" in said


def test_statement_that_somebody_signed_for_his_own_zip_is_refused(files: Files) -> None:
    somebody = ed25519.read_private(released.private_pem(released.SOMEBODY))
    opened = provenance.opened(files.statement.read_bytes())
    assert opened is not None
    again = somebody.sign(provenance.to_be_signed(opened.payload))
    files.statement.write_bytes(provenance.envelope(opened.payload, somebody.public.keyid, again))
    assert failures(files) == [
        f"signature: {STATEMENT} is signed by the key {somebody.public.keyid}, expected {KEY.keyid}"
    ]


def test_signature_of_bare_payload_is_none_of_a_statement(files: Files) -> None:
    maintainer = ed25519.read_private(released.private_pem(released.MAINTAINER))
    opened = provenance.opened(files.statement.read_bytes())
    assert opened is not None
    bare = maintainer.sign(opened.payload)
    files.statement.write_bytes(provenance.envelope(opened.payload, KEY.keyid, bare))
    assert len(failures(files)) == 1


@pytest.mark.parametrize("name", ["toy.zip", "toy_buildpack-v1.zip", "toy_buildpack-v0.1.0.zip.part"])
def test_zip_of_another_name_needs_its_statement_named(files: Files, name: str) -> None:
    with pytest.raises(VerifyError, match="nothing says which statement belongs to it"):
        alone.statement_of(files.folder / name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nonsense", "is no public key in PEM form"),
        (released.private_pem(1), "is a private key"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_key_that_is_none_is_refused(files: Files, content: bytes | None, said: str) -> None:
    files.key.unlink()
    if content is not None:
        files.key.write_bytes(content)
    with pytest.raises(VerifyError, match=said):
        alone.read_key(files.key)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the train's code, but no sidecar.yml and no repository."""
    folder = tmp_path_factory.mktemp("bare")
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "go"))
    shutil.copy(ROOT / "tasks.py", folder)
    return folder


def verify_offline(bare: Path, *options: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the task where there is no program on the PATH, no repository, and no network that answers."""
    argv = [sys.executable, "-m", "invoke", "verify", *map(str, options)]
    env = {"PATH": os.devnull, "PYTHONDONTWRITEBYTECODE": "1", "https_proxy": "http://127.0.0.1:1"}
    return subprocess.run(argv, cwd=bare, env=env, check=False, capture_output=True, text=True)


def test_task_passes_a_zip_without_git_bucket_network_and_configuration(files: Files, bare: Path) -> None:
    done = verify_offline(bare, "--zip", files.zip, "--key", files.key, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)
    assert [row["check"] for row in rows] == ["signature", "digest", "entries"]
    assert all(row["ok"] for row in rows)


def test_task_refuses_a_damaged_zip_with_18(files: Files, bare: Path) -> None:
    files.zip.write_bytes(files.zip.read_bytes()[:-1] + b"x")
    done = verify_offline(bare, "--zip", files.zip, "--key", files.key)
    assert done.returncode == 18, done.stdout + done.stderr
    assert "FAILED digest" in done.stdout
    assert f"Error: {ZIP} is not what it must be: " in done.stderr


def test_task_without_a_key_ends_with_19_and_says_that_nobody_was_checked(files: Files, bare: Path) -> None:
    done = verify_offline(bare, "--zip", files.zip)
    assert done.returncode == 19, done.stdout + done.stderr
    assert f"names the key {KEY.keyid} as its signer; that was NOT checked" in done.stderr


def test_task_on_an_unsigned_release_ends_with_19_and_with_a_key_18(unsigned: Files, bare: Path) -> None:
    done = verify_offline(bare, "--zip", unsigned.zip)
    assert done.returncode == 19, done.stdout + done.stderr
    assert f"nobody signed {STATEMENT}" in done.stderr
    assert verify_offline(bare, "--zip", unsigned.zip, "--key", unsigned.key).returncode == 18


def test_task_takes_the_statement_from_where_it_is_said_to_be(files: Files, bare: Path) -> None:
    elsewhere = files.statement.rename(files.folder / "elsewhere.json")
    done = verify_offline(bare, "--zip", files.zip, "--key", files.key)
    assert done.returncode == 18
    assert f"the statement {files.statement} cannot be read" in done.stdout
    done = verify_offline(bare, "--zip", files.zip, "--key", files.key, "--statement", elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr


def page_commands() -> Mapping[str, str]:
    """Return the page's shell commands by what they begin with, but for the names of the example."""
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    _, alone_, whole, keyid = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return {"zip": alone_, "record": whole, "keyid": keyid}


def by_hand(files: Files, what: str, name: str = ZIP) -> "subprocess.CompletedProcess[str]":
    env = {"PATH": os.environ["PATH"], "zip": name, "statement": STATEMENT, "key": files.key.name}
    script = page_commands()[what]
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=files.folder, env=env, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", [ZIP, CACHED])
def test_commands_of_the_page_pass_a_zip(files: Files, name: str) -> None:
    done = by_hand(files, "zip", name)
    assert (done.returncode, done.stdout) == (0, f"Signature Verified Successfully\n{name}: OK\n"), (
        done.stderr
    )


def test_commands_of_the_page_pass_all_files_of_a_release(files: Files) -> None:
    done = by_hand(files, "record")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == 10


def test_commands_of_the_page_name_the_key_as_the_record_does(files: Files) -> None:
    done = by_hand(files, "keyid")
    assert done.stdout.split()[0] == json.loads((files.folder / "release.json").read_text())["signed_by"]


def flip(path: Path, at: int) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


@pytest.mark.parametrize("at", [0, 100, -1])
def test_commands_of_the_page_fail_on_a_flipped_byte_of_the_zip(files: Files, at: int) -> None:
    flip(files.zip, at % files.zip.stat().st_size)
    done = by_hand(files, "zip")
    assert done.returncode != 0
    assert f"{ZIP}: FAILED" in done.stdout


@pytest.mark.parametrize("field", [b'"payload": "', b'"sig": "'])
def test_commands_of_the_page_fail_on_a_flipped_byte_of_payload_and_signature(
    files: Files, field: bytes
) -> None:
    flip(files.statement, files.statement.read_bytes().index(field) + len(field) + 20)
    assert by_hand(files, "zip").returncode != 0


@pytest.mark.parametrize("name", ["release.json", "release.json.sig", "SHA256SUMS", CACHED])
def test_commands_of_the_page_fail_on_a_flipped_byte_of_any_file_of_a_release(
    files: Files, name: str
) -> None:
    flip(files.folder / name, 40)
    assert by_hand(files, "record").returncode != 0


@pytest.mark.parametrize("what", ["zip", "record"])
def test_commands_of_the_page_fail_with_another_key(files: Files, what: str) -> None:
    files.key.write_bytes(released.public_pem(released.SOMEBODY))
    assert by_hand(files, what).returncode != 0


@pytest.mark.parametrize("what", ["zip", "record"])
def test_commands_of_the_page_fail_on_an_unsigned_release(unsigned: Files, what: str) -> None:
    assert by_hand(unsigned, what).returncode != 0


def test_commands_of_the_page_fail_on_a_zip_that_the_statement_does_not_name(files: Files) -> None:
    files.zip.rename(files.folder / "other.zip")
    assert by_hand(files, "zip", "other.zip").returncode != 0
