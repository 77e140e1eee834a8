"""`./inv pipeline vars`: which secrets there are, what each may do, and which of them Concourse has."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from commands.concourse import secrets
from releaser import sections
from tests.commands.conftest import Errors, Fly, Site

NAMED = ["cf_password", "cf_username", "git_password", "git_username", "s3_access_key_id"]
NAMED += ["s3_secret_access_key", "webhook_token"]


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, Mapping[str, Any]]:
    return {row["key"]: row for row in json.loads(capsys.readouterr().out)}


def secret_keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield the keys whose value is the name of a secret, as their types say."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, sections.Section):
            yield from secret_keys(field.annotation, f"{prefix}{name}.")
        elif field.annotation == sections.Secret:
            yield prefix + name


def test_every_secret_of_the_settings_has_a_purpose_and_a_right() -> None:
    assert list(secret_keys(sections.Pipeline, "pipeline.")) == list(secrets.PURPOSES)


def test_secrets_are_listed_with_their_purpose_and_their_right(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.run("vars") == 0
    said = capsys.readouterr().out
    assert (
        "       git_password: named\n"
        "         for  that user's password or token (pipeline.git.password)\n"
        "         may  read, and push of branches and tags of the one repository;"
    ) in said
    assert "-----> Not used: null in sidecar.yml\n       pipeline.image.username\n" in said


def test_secret_that_is_null_and_needed_is_told_apart_from_one_that_is_not_used(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.change(pipeline={"git": {"password": None}})
    assert site.run("vars", as_json=True) == 2
    found = rows(capsys)
    assert (found["pipeline.git.password"]["state"], found["pipeline.git.password"]["secret"]) == (
        "needed",
        None,
    )
    assert found["pipeline.git.private_key"]["state"] == "unused"
    assert found["pipeline.git.username"]["state"] == "named"
    assert site.run("vars") == 2
    assert "-----> Needed, but null in sidecar.yml\n       pipeline.git.password\n" in capsys.readouterr().out


def test_concourse_is_asked_which_it_knows_and_nothing_can_be_set_by_that(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    fly.answers(code=1, output="", known=[name for name in NAMED if name != "git_password"])
    assert site.run("vars", target="ci", as_json=True) == 2
    found = {row["secret"]: row["state"] for row in rows(capsys).values() if row["secret"]}
    assert found == {name: "unknown" if name == "git_password" else "known" for name in NAMED}
    (call,) = fly.calls()
    assert call["argv"][:5] == ["-t", "ci", "set-pipeline", "-p", "config-server"]
    assert call["argv"][-2:] == ["--check-creds", "--non-interactive"]
    asked = [step["params"]["SECRET"] for step in json.loads(call["files"][0])["jobs"][0]["plan"]]
    assert asked[:-1] == [f"(({name}))" for name in NAMED]
    assert asked[-1].startswith("((no-secret-")


def test_concourse_that_knows_all_is_content(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    fly.answers(code=1, output="", known=NAMED)
    assert site.run("vars", target="ci", name="other") == 0
    assert "       webhook_token: Concourse knows it\n" in capsys.readouterr().out
    assert fly.calls()[0]["argv"][4] == "other"


def test_secret_of_a_var_source_is_not_asked_for(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    site.change(pipeline={"failure_url": "((vault:url))"})
    fly.answers(code=1, output="", known=NAMED)
    assert site.run("vars", target="ci", as_json=True) == 0
    assert rows(capsys)["pipeline.failure_url"]["state"] == "not asked"
    assert "vault" not in fly.calls()[0]["files"][0]


def test_credential_manager_that_does_not_answer_is_told(site: Site, fly: Fly, errors: Errors) -> None:
    fly.answers(code=1, output="\t* vault is sealed\n", known=NAMED)
    assert site.run("vars", target="ci") == 1
    assert errors().startswith("Error: Concourse could not look for the secrets: vault is sealed\n")


def test_concourse_that_took_the_question_is_told_to_be_set_again(
    site: Site, fly: Fly, errors: Errors
) -> None:
    fly.answers(code=0)
    assert site.run("vars", target="ci") == 1
    said = errors()
    assert "took the question for the pipeline 'config-server'" in said
    assert "./inv pipeline set --target ci" in said


def test_asking_without_fly_is_refused(site: Site, errors: Errors) -> None:
    assert site.run("vars", target="ci") == 13
    assert errors().startswith("Error: the program 'fly' is not on PATH\n")
