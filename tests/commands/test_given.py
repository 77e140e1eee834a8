"""Authorities and identities that a task is given as text become files that libraries read."""

import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from commands import given
from releaser.errors import ConfigError

NAMES = ("CA_CERTIFICATES", "AWS_WEB_IDENTITY_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", *given.BUNDLES)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in NAMES}
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def one() -> str:
    """Return a certificate of the public bundle."""
    text = Path(certifi.where()).read_text()
    return (
        text[text.index(given.BEGIN) : text.index("-----END CERTIFICATE-----")]
        + "-----END CERTIFICATE-----\n"
    )


@pytest.mark.parametrize("form", [lambda pem: pem, lambda pem: json.dumps([pem])])
def test_certificate_is_trusted_beside_the_public_ones(form: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_CERTIFICATES", form(one()))  # type: ignore[operator]
    given.take()
    bundles = {os.environ[name] for name in given.BUNDLES}
    (bundle,) = bundles
    assert Path(bundle).read_text().endswith(one())
    assert Path(bundle).stat().st_mode & 0o777 == 0o600
    assert len(ssl.create_default_context(cafile=bundle).get_ca_certs()) > 50


@pytest.mark.parametrize("nothing", ["", "[]"])
def test_nothing_given_changes_nothing(nothing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_CERTIFICATES", nothing)
    given.take()
    assert not [name for name in given.BUNDLES if name in os.environ]


@pytest.mark.parametrize(("text", "said"), [("secret", "no PEM certificate"), ("[1", "no JSON list")])
def test_text_that_is_no_certificate_is_refused_and_not_shown(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_CERTIFICATES", text)
    with pytest.raises(ConfigError, match=said) as caught:
        given.take()
    assert "secret" not in caught.value.message


def test_identity_token_becomes_the_file_that_aws_libraries_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN", "token")
    given.take()
    path = Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"])
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("token", 0o600)
