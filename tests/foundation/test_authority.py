"""The local authority: what is kept, what is made anew, and what it cannot sign."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from foundation import authority

DOMAIN = "apps.localhost"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_good_is_kept(tmp_path: Path) -> None:
    first = authority.ensure(tmp_path, DOMAIN)
    before = content(tmp_path)
    assert sorted(before) == ["ca.pem", "router.key", "router.pem"]
    assert authority.ensure(tmp_path, DOMAIN) == first
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["ca.pem", "router.key", "router.pem"])
def test_what_does_not_fit_together_is_made_anew(tmp_path: Path, name: str) -> None:
    authority.ensure(tmp_path / "other", DOMAIN)
    authority.ensure(tmp_path / "this", DOMAIN)
    for bad in ((tmp_path / "other" / name).read_bytes(), b"rubbish", b""):
        (tmp_path / "this" / name).write_bytes(bad)
        authority.ensure(tmp_path / "this", DOMAIN)
        before = content(tmp_path / "this")
        assert before[name] != bad
        authority.ensure(tmp_path / "this", DOMAIN)
        assert content(tmp_path / "this") == before


def test_another_domain_or_a_near_end_needs_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.ensure(tmp_path, DOMAIN)
    first = content(tmp_path)
    authority.ensure(tmp_path, "example.test")
    second = content(tmp_path)
    assert second["router.pem"] != first["router.pem"]
    monkeypatch.setattr(authority, "RENEWED_DAYS", authority.CERTIFICATE_DAYS - 1)
    authority.ensure(tmp_path, "example.test")
    assert content(tmp_path) == second
    monkeypatch.setattr(authority, "RENEWED_DAYS", authority.CERTIFICATE_DAYS)
    authority.ensure(tmp_path, "example.test")
    assert content(tmp_path)["router.pem"] != second["router.pem"]


def test_the_authority_is_for_the_domain_only(tmp_path: Path) -> None:
    made = authority.ensure(tmp_path, DOMAIN)
    trusted = x509.load_pem_x509_certificate(made.authority.read_bytes())
    allowed = trusted.extensions.get_extension_for_class(x509.NameConstraints)
    assert allowed.critical
    assert allowed.value.permitted_subtrees == [x509.DNSName(DOMAIN)]
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    assert certificate.not_valid_before_utc < datetime.now(UTC) - timedelta(minutes=30)
