"""Who signs: the environment before a file before a program, and never a key that is not the expected one."""

import base64
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from releaser import config
from releaser.errors import SigningError
from releaser.evidence import signing
from releaser.model import Facts, Release
from releaser.tools import ed25519, shell
from releaser.tools.s3 import Store
from tests.releaser import toy
from tests.releaser.released import private_pem, public_pem

PUBLIC = "release-key.pub"
MESSAGE = b"bytes\x00 to be signed\n"
OURS, OTHER = private_pem(1).decode(), private_pem(2).decode()
# A program that signs as a KMS client does: the key is its own matter, here a file that a variable names.
PROGRAM = """import base64, os, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(os.environ["KMS_KEY"], "rb").read(), None)
signature = key.sign(sys.stdin.buffer.read())
sys.stdout.buffer.write(base64.b64encode(signature) + b"\\n" if "base64" in sys.argv else signature)
"""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (signing.KEY, signing.KEY_FILE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a release whose source holds a public key; no bucket is asked."""
    folder = tmp_path_factory.mktemp("signing")
    here = toy.checkout(folder / "here", {**toy.FILES, PUBLIC: public_pem(1).decode(), "words": "no key\n"})
    toy.remote(folder / "remote.git", here)
    world = toy.world(folder, Store("http://127.0.0.1:1", "us-east-1", "none"))
    world.repository.fetch()
    source = toy.git(here, "rev-parse", "HEAD")
    facts = Facts(name=toy.NAME, version=toy.VERSION, source=source, number=1, epoch=toy.EPOCH)
    return Release(facts, world)


def configured(release: Release, **settings: Any) -> Release:
    made = config.with_sections(release.config, {"signing": settings})
    return Release(release.facts, replace(release.world, config=made))


def program(release: Release, text: str = PROGRAM, *more: str, **settings: Any) -> Release:
    """Return the release with a signing command."""
    path = release.world.work.parent / "kms.py"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, str(path), *more]
    return configured(
        release, **{"command": command, "public_key": PUBLIC, "environment": ["KMS_KEY"], **settings}
    )


def key_file(folder: Path, pem: str) -> str:
    path = folder / "private.pem"
    path.write_text(pem, encoding="utf-8")
    return str(path)


def refused(release: Release, said: str) -> SigningError:
    with pytest.raises(SigningError, match=said) as caught:
        signature(release)
    assert caught.value.remedy
    return caught.value


def signature(release: Release) -> bytes:
    found = signing.find(release)
    assert found is not None
    return found.sign(MESSAGE)


def test_release_without_any_key_is_unsigned(release: Release) -> None:
    assert signing.find(release) is None
    assert signing.known(release) == []


def test_key_of_the_environment_comes_before_the_file_and_that_before_the_command(
    release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = program(release, "raise SystemExit('asked')")
    monkeypatch.setenv(signing.KEY_FILE, key_file(tmp_path, OURS))
    assert signature(asked) == ed25519.read_private(OURS.encode()).sign(MESSAGE)
    monkeypatch.setenv(signing.KEY, OTHER)
    assert signature(configured(release)) == ed25519.read_private(OTHER.encode()).sign(MESSAGE)


@pytest.mark.parametrize("form", ["raw", "base64"])
def test_program_signs_what_comes_on_its_standard_input(
    release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    monkeypatch.setenv("KMS_KEY", key_file(tmp_path, OURS))
    assert signature(program(release, PROGRAM, form)) == ed25519.read_private(OURS.encode()).sign(MESSAGE)


def test_program_gets_the_variables_that_the_configuration_names_and_no_secrets(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CF_PASSWORD", "AWS_SECRET_ACCESS_KEY", "VAULT_ADDR", signing.KEY_FILE):
        monkeypatch.setenv(name, "" if name == signing.KEY_FILE else "value-of-it")
    shown = "import os, sys; sys.exit(' '.join(sorted(os.environ)))"
    said = refused(program(release, shown, environment=["VAULT_ADDR", "KMS_KEY"]), "ended with 1").message
    names = set(said.splitlines()[-1].split()) - {"LC_CTYPE"}
    assert "VAULT_ADDR" in names
    assert names <= {*shell.KEPT, *shell.KEPT_PREFIXES, "VAULT_ADDR"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit('no permission for this key')", "no permission for this key"),
        ("", "answered 0 bytes, which are no signature"),
        ("print('c2hvcnQ=')", "answered 9 bytes, which are no signature"),
        ("import sys; sys.stdout.buffer.write(bytes(63))", "answered 63 bytes"),
        ("import sys; sys.stdout.buffer.write(bytes(64))", "does not verify with the key"),
    ],
)
def test_program_that_does_not_sign_is_refused(release: Release, text: str, said: str) -> None:
    refused(program(release, text), said)


def test_program_that_signs_with_another_key_is_refused(
    release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KMS_KEY", key_file(tmp_path, OTHER))
    refused(program(release), r"by signing.command \(.*\) does not verify with the key")


def test_program_that_never_ends_is_given_up(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "PATIENCE_S", 0.5)
    refused(program(release, "import time; time.sleep(60)"), "did not end within")


@pytest.mark.parametrize("command", [["no-such-program"], ["/"]])
def test_program_that_cannot_be_run_is_named(release: Release, command: list[str]) -> None:
    refused(program(release, command=command), command[0])


def test_program_without_a_public_key_is_refused(release: Release) -> None:
    refused(program(release, public_key=None), "signing.command needs signing.public_key")


def test_public_key_makes_a_signature_a_duty(release: Release) -> None:
    said = refused(
        configured(release, public_key=PUBLIC), "asks for signed releases, and RELEASE_SIGNING_KEY"
    )
    assert "RELEASE_SIGNING_KEY_FILE" in said.remedy


@pytest.mark.parametrize("variable", [signing.KEY, signing.KEY_FILE])
def test_private_key_that_is_not_the_public_keys_is_refused(
    release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setenv(variable, OTHER if variable == signing.KEY else key_file(tmp_path, OTHER))
    said = refused(configured(release, public_key=PUBLIC), f"{variable} is the key .*, but {PUBLIC} is")
    ours, theirs = (ed25519.read_public(public_pem(seed)).keyid for seed in (1, 2))
    assert ours in said.message
    assert theirs in said.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.pub", "names nowhere.pub, which [0-9a-f]{12} does not hold"),
        ("words", "words is no public key in PEM form"),
    ],
)
def test_public_key_that_the_source_does_not_hold_is_refused(release: Release, name: str, said: str) -> None:
    refused(configured(release, public_key=name), said)


KEYS: Mapping[str, str] = {"words": "not a key", "a damaged key": OURS.replace("MC4", "MC5")}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("variable", [signing.KEY, signing.KEY_FILE])
def test_key_that_cannot_be_used_is_named_by_its_variable_and_not_shown(
    release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, variable: str
) -> None:
    pem = KEYS[name]
    monkeypatch.setenv(variable, pem if variable == signing.KEY else key_file(tmp_path, pem))
    said = refused(release, f"{variable} .*is no private key in PEM form")
    assert "openssl genpkey -algorithm ed25519" in said.remedy
    assert not [line for line in pem.splitlines() if line in said.message + said.remedy]


def test_key_file_that_is_not_there_is_named(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.KEY_FILE, "/nowhere/key.pem")
    refused(release, "RELEASE_SIGNING_KEY_FILE names /nowhere/key.pem, which cannot be read: No such file")


def test_public_key_is_known_without_the_private_one(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = (ed25519.read_public(public_pem(seed)) for seed in (1, 2))
    assert signing.known(configured(release, public_key=PUBLIC)) == [ours]
    assert signing.known(configured(release, public_key="nowhere.pub")) == []
    monkeypatch.setenv(signing.KEY, OTHER)
    assert signing.known(release) == [other]
    assert signing.known(configured(release, public_key=PUBLIC)) == [ours, other]


def test_programs_that_the_train_runs_do_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.KEY, OURS)
    monkeypatch.setenv(signing.KEY_FILE, "/somewhere/key.pem")
    assert b"RELEASE_SIGNING" not in shell.run(["env"]).stdout


def test_base64_of_a_signature_may_be_wrapped() -> None:
    raw = bytes(range(64))
    wrapped = base64.encodebytes(raw)
    assert wrapped.count(b"\n") > 1
    assert signing._signature(wrapped, "kms") == raw
