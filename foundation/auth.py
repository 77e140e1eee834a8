"""Who may talk to the foundation: one user, who is also a client, and signed tokens (UAA's part).

Access and refresh tokens are JWTs signed with a key that is kept, so that both survive a restart.
"""

import hmac
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from foundation import whole
from foundation.errors import invalid_token, not_authenticated

ACCESS_S = 3600
REFRESH_S = 30 * 24 * 3600
SCOPES = ("cloud_controller.admin", "cloud_controller.read", "cloud_controller.write", "openid")


class RejectedError(Exception):
    """A grant that UAA answers with 401 (or 400): the OAuth error and its description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


@dataclass(frozen=True, kw_only=True)
class Auth:
    """The user, the signing key and the issuer's address."""

    issuer: str
    user: str
    user_guid: str
    password: str
    key: str

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token request; raise RejectedError."""
        kind = form.get("grant_type", "")
        if kind == "password":
            self._check(form.get("username", ""), form.get("password", ""))
            return self._document(kind, refresh=True)
        if kind == "client_credentials":
            self._check(form.get("client_id", ""), form.get("client_secret", ""))
            return self._document(kind, refresh=False)
        if kind == "refresh_token":
            try:
                self._decode(form.get("refresh_token", ""), "refresh")
            except jwt.PyJWTError as error:
                raise RejectedError(
                    401, "invalid_token", f"The refresh token is not valid: {error}"
                ) from error
            return self._document(kind, refresh=True)
        raise RejectedError(400, "unsupported_grant_type", f"The grant type {kind!r} is not supported")

    def authenticate(self, header: str | None) -> str:
        """Return the name of the user whose bearer token this Authorization header carries."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            raise not_authenticated()
        try:
            claims = self._decode(token.strip(), "access")
        except jwt.PyJWTError as error:
            raise invalid_token() from error
        return str(claims.get("user_name") or claims["client_id"])

    def _check(self, name: str, password: str) -> None:
        given = f"{name}\n{password}".encode("utf-8", "replace")
        if not hmac.compare_digest(given, f"{self.user}\n{self.password}".encode()):
            raise RejectedError(401, "unauthorized", "Bad credentials")

    def _decode(self, token: str, use: str) -> dict[str, Any]:
        claims = jwt.decode(
            token, self.key, algorithms=["HS256"], audience=use, options={"require": ["exp", "aud"]}
        )
        return dict(claims)

    def _document(self, grant_type: str, *, refresh: bool) -> dict[str, Any]:
        claims = self._claims(grant_type)
        document = {
            "access_token": self._sign(claims, "access", ACCESS_S),
            "token_type": "bearer",
            "expires_in": ACCESS_S - 1,
            "scope": " ".join(SCOPES),
            "jti": claims["jti"],
        }
        if refresh:
            document["refresh_token"] = self._sign({"jti": f"{claims['jti']}-r"}, "refresh", REFRESH_S)
        return document

    def _claims(self, grant_type: str) -> dict[str, Any]:
        client = grant_type == "client_credentials"
        own = {
            "jti": uuid.uuid4().hex,
            "iss": f"{self.issuer}/uaa/oauth/token",
            "zid": "uaa",
            "cid": self.user if client else "cf",
            "azp": self.user if client else "cf",
            "client_id": self.user if client else "cf",
            "scope": list(SCOPES),
            "grant_type": grant_type,
            "revocable": False,
        }
        if client:
            return {**own, "sub": self.user}
        # The cf CLI panics where user_name is there without user_id or origin.
        return {
            **own,
            "sub": self.user_guid,
            "user_id": self.user_guid,
            "user_name": self.user,
            "origin": "uaa",
            "email": self.user,
        }

    def _sign(self, claims: Mapping[str, Any], use: str, lifetime: int) -> str:
        issued = int(time.time())
        return jwt.encode(
            {**claims, "aud": [use], "iat": issued, "exp": issued + lifetime}, self.key, algorithm="HS256"
        )


def kept_secret(path: Path) -> str:
    """Return the secret in a file that only we may read, made at the first call."""
    if not path.exists():
        whole.write(path, secrets.token_urlsafe(32).encode())
    return path.read_text()
