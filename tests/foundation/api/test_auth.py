"""Tokens: what each grant answers, and what the API refuses."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.foundation.api.stand import Stand, running


def grant(stand: Stand, **form: str) -> Any:
    return stand.http.post("/uaa/oauth/token", data=form)


def test_password_grant_right_password_gives_the_claims_that_the_cli_needs(stand: Stand) -> None:
    document = stand.token()
    claims = jwt.decode(document["access_token"], options={"verify_signature": False})
    assert (claims["user_name"], claims["origin"]) == ("admin", "uaa")
    assert claims["user_id"]
    assert claims["exp"] - time.time() > 600
    assert document["token_type"] == "bearer"


def test_password_grant_wrong_password_is_unauthorized(stand: Stand) -> None:
    answer = grant(stand, grant_type="password", username="admin", password="wrong")
    assert answer.status_code == 401
    assert answer.json() == {"error": "unauthorized", "error_description": "Bad credentials"}


def test_refresh_grant_own_token_gives_a_usable_access_token(stand: Stand) -> None:
    answer = grant(stand, grant_type="refresh_token", refresh_token=stand.token()["refresh_token"])
    bearer = {"Authorization": f"BEARER {answer.json()['access_token']}"}
    assert stand.http.get("/v3/apps", headers=bearer).status_code == 200


def test_refresh_grant_access_token_is_invalid(stand: Stand) -> None:
    answer = grant(stand, grant_type="refresh_token", refresh_token=stand.token()["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_client_credentials_grant_has_no_refresh_token_and_no_user(stand: Stand) -> None:
    password = stand.world.auth.password
    document = grant(stand, grant_type="client_credentials", client_id="admin", client_secret=password).json()
    claims = jwt.decode(document["access_token"], options={"verify_signature": False})
    assert "refresh_token" not in document
    assert "user_name" not in claims
    assert claims["client_id"] == "admin"


def test_unknown_grant_is_refused(stand: Stand) -> None:
    assert grant(stand, grant_type="implicit").status_code == 400


def test_login_document_has_the_prompts(stand: Stand) -> None:
    assert stand.get("/login/login")["prompts"]["password"] == ["password", "Password"]


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, 10002), ("Basic eDp5", 10002), ("bearer nonsense", 1000), ("bearer a.b.c", 1000)],
)
def test_request_without_a_good_token_is_401(stand: Stand, header: str | None, code: int) -> None:
    stand.http.headers.pop("Authorization")
    answer = stand.http.get("/v3/apps", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, code)


def test_request_with_a_refresh_token_as_bearer_is_401(stand: Stand) -> None:
    bearer = {"Authorization": f"bearer {stand.token()['refresh_token']}"}
    assert stand.http.get("/v3/apps", headers=bearer).status_code == 401


def test_tokens_after_a_restart_are_still_good(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        header = before.http.headers["Authorization"]
        password = before.world.auth.password
    with running(tmp_path) as after:
        assert after.http.get("/v3/apps", headers={"Authorization": header}).status_code == 200
        assert after.world.auth.password == password
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
