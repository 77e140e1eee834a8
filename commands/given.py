"""Turns what a pipeline's task is given as text into files that libraries read: authorities, an identity."""

import json
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from releaser.errors import ConfigError
from releaser.tools import private

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
BEGIN = "-----BEGIN CERTIFICATE-----"


def take() -> None:
    """Make the files, and name them in the environment; a variable that is empty or absent changes nothing.

    `CA_CERTIFICATES` (PEM text, or a JSON list of such texts) are trusted beside the public authorities.
    `AWS_WEB_IDENTITY_TOKEN` is the token of `AWS_ROLE_ARN`, as AWS's libraries read it from a file.
    Raises ConfigError.
    """
    certificates = _certificates(os.environ.get("CA_CERTIFICATES", ""))
    if certificates:
        bundle = private.file("authorities.pem", "\n".join((_public(), *certificates)))
        os.environ.update(dict.fromkeys(BUNDLES, str(bundle)))
    if token := os.environ.get("AWS_WEB_IDENTITY_TOKEN", ""):
        os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(private.file("identity", token))


def _certificates(text: str) -> Sequence[str]:
    """Return the PEM texts that are given."""
    if not text.lstrip().startswith("["):
        found = [text] if text.strip() else []
    else:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"CA_CERTIFICATES is no JSON list: {error}", "Give PEM texts.") from error
    for one in found:
        if not isinstance(one, str) or BEGIN not in one:
            raise ConfigError(
                "CA_CERTIFICATES holds something that is no PEM certificate", f"It has no {BEGIN}."
            )
    return found


def _public() -> str:
    """Return the authorities that are trusted anyway."""
    own = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if own and Path(own).is_file():
        return Path(own).read_text(encoding="utf-8")
    import certifi

    return Path(certifi.where()).read_text(encoding="utf-8")
