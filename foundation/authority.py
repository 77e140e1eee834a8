"""The certificate with which the router speaks TLS, and the local authority that signs it.

Whoever trusts the authority trusts it for the apps' domain only: it can sign nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from foundation import whole

AUTHORITY_DAYS, CERTIFICATE_DAYS = 3650, 397
RENEWED_DAYS = 30  # before the end
SKEW = timedelta(hours=1)  # a clock may be behind ours
SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, kw_only=True)
class Certified:
    """The authority's certificate, to be trusted, and the router's with its key, all in PEM."""

    authority: Path
    certificate: Path
    key: Path


def ensure(folder: Path, domain: str) -> Certified:
    """Return the certificate for a domain and all names one level below it; one that is good is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Certified(
        authority=folder / "ca.pem", certificate=folder / "router.pem", key=folder / "router.key"
    )
    if not _good(found, domain):
        _make(found, domain)
    return found


def _good(found: Certified, domain: str) -> bool:
    """Say whether the authority signed the certificate, for this domain and key, and for long enough."""
    try:
        authority = x509.load_pem_x509_certificate(found.authority.read_bytes())
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        key = serialization.load_pem_private_key(found.key.read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        names.get_values_for_type(x509.DNSName) == _names(domain)
        and key.public_key() == certificate.public_key()
        and certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=RENEWED_DAYS)
    )


def _make(wanted: Certified, domain: str) -> None:
    """Make a new authority too: its key is kept nowhere, so nobody can sign with it later."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [x509.DNSName(name) for name in _names(domain)]
    issuer = _name("Authority of a local foundation")
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .add_extension(x509.NameConstraints([x509.DNSName(domain)], None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name("Router of a local foundation"), issuer, key.public_key(), CERTIFICATE_DAYS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    whole.write(wanted.key, secret)
    whole.write(wanted.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    whole.write(wanted.authority, authority.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(domain: str) -> list[str]:
    return [f"*.{domain}", domain]
